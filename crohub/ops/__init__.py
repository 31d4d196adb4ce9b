"""Operations over HTTP: how connections, pipelines and messages are doing, and orders to them."""

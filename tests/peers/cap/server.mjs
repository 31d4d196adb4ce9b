// SAP CAP with an empty store in memory, on a free port of 127.0.0.1, which it prints. Its own
// `cds-serve` would listen on all interfaces.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const cds = require('@sap/cds');
const express = require('express');

cds.env.requires.auth = { kind: 'dummy' };
cds.env.requires.db = { kind: 'sqlite', impl: '@cap-js/sqlite', credentials: { url: ':memory:' } };
cds.env.query = { limit: { default: 1000, max: 1000 } };
cds.model = cds.linked(cds.compile.for.nodejs(await cds.load('service.cds')));
cds.db = await cds.connect.to('db');
await cds.deploy('service.cds').to(cds.db);

const app = express();
await cds.serve('all').from('service.cds').in(app);
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));

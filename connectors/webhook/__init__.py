"""Webhooks: events that others post to us, and events that we post to others."""

from __future__ import annotations

from connectors.webhook.receiving import Webhook
from connectors.webhook.sending import WebhookOut

__all__ = ["Webhook", "WebhookOut"]

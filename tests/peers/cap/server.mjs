// SAP CAP with an empty store in memory, on a free port of 127.0.0.1, which it prints. Its own
// `cds-serve` would listen on all interfaces. Below /odata/v2 the same in OData V2, by the adapter
// of its community, whose links say localhost; CAP wants no CSRF token, so that one is asked for here as SAP's gateway does.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const cds = require('@sap/cds');
const express = require('express');
const v2 = require('@cap-js-community/odata-v2-adapter');

cds.env.requires.auth = { kind: 'dummy' };
cds.env.requires.db = { kind: 'sqlite', impl: '@cap-js/sqlite', credentials: { url: ':memory:' } };
cds.env.query = { limit: { default: 1000, max: 1000 } };
cds.model = cds.linked(cds.compile.for.nodejs(await cds.load('service.cds')));
cds.db = await cds.connect.to('db');
await cds.deploy('service.cds').to(cds.db);

const app = express();
await cds.serve('all').from('service.cds').in(app);
const server = app.listen(0, '127.0.0.1', () => {
  const port = server.address().port;
  const target = `http://127.0.0.1:${port}`;
  app.use('/odata/v2', gateway);
  app.use(v2({ model: 'service.cds', target, registerOnListening: false }));
  console.log(port);
});

function gateway(request, response, next) {
  const told = request.get('x-csrf-token') ?? '';
  if (told.toLowerCase() === 'fetch') {
    response.set({ 'x-csrf-token': 'made-up', 'Set-Cookie': 'SAP_SESSIONID=made-up; HttpOnly' });
  } else if (request.method !== 'GET') {
    const known = told === 'made-up' && request.get('cookie')?.includes('SAP_SESSIONID=made-up');
    if (!known) {
      response.set('x-csrf-token', 'Required').status(403).json({ error: { code: '403' } });
      return;
    }
  }
  next();
}

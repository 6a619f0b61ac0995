import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DataSource } from 'typeorm';
import { ContactSearch } from '../src/address-book/contacts.dto.js';
import { Contacts } from '../src/address-book/contacts.service.js';
import { Directory } from '../src/address-book/directory.js';
import type { MemberPrincipal } from '../src/auth/principal.js';
import { Identities } from '../src/interlocutors/identities.js';
import { loadConfig } from '../src/platform/config.js';
import { Actions } from '../src/actions/actions.service.js';
import { Log } from '../src/platform/log.js';
import { Realtime } from '../src/platform/realtime/realtime.js';
import { AddressHashes } from '../src/platform/vault/address-hashes.js';
import { Vault } from '../src/platform/vault/vault.js';
import { type RunningService, startService } from '../src/service.js';
import { registrationOf } from '../test/support/names.js';
import { addContacts, ownerOf, personOf } from './contacts.js';

/**
 * Costs of an address book of 10,000 and of 100,000 contacts, beside the same number of names that stand in clear in a
 * table of the same PostgreSQL and are sorted there. `npm run bench:address-book`, with other sizes as arguments.
 */

const sizes = process.argv.slice(2).map(Number).filter(Boolean);
const rounds = 5;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Measured {
  name: string;
  /** Milliseconds. */
  times: number[];
  /** Times that the service's thread worked, which other load of the machine does not lengthen. */
  worked: number[];
}

async function main(): Promise<void> {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  console.log(`Node ${process.version}, ${cpus().length} × ${cpu!.model.trim()}, ${gigabytes} GB\n`);
  for (const size of sizes.length > 0 ? sizes : [10_000, 100_000]) await measure(size);
}

async function measure(size: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'colloquio-bench-'));
  const config = loadConfig({ DATA_DIR: dataDir, PORT: '0', REGISTRATION: 'open', LOG_LEVEL: 'error' });
  let service = await startService(config);
  try {
    const began = performance.now();
    const shop = await register(service);
    await fill(service, shop, size);
    console.log(`## ${size.toLocaleString('en')} contacts (made in ${seconds(performance.now() - began)})\n`);
    // A new process of its own would do the same: no key and no name of them is in memory any more.
    await service.stop();
    service = await startService(loadConfig({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'error' }));
    await report(service, shop, size);
  } finally {
    await service.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function register(service: RunningService): Promise<MemberPrincipal> {
  const { items } = (await (
    await fetch(`${service.url}/api/policies/current?audience=subscriber&locale=it`)
  ).json()) as {
    items: { id: string; purpose: string }[];
  };
  const answer = await fetch(`${service.url}/api/subscribers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(registrationOf('bakery', 'forno-aurora', items)),
  });
  const body = (await answer.json()) as { subscriber: { id: string } };
  if (answer.status !== 201) throw new Error(JSON.stringify(body));
  return ownerOf(service, body.subscriber.id);
}

/** The contacts, and as many names in clear beside them. */
async function fill(service: RunningService, shop: MemberPrincipal, size: number): Promise<void> {
  await addContacts(service, shop, size);
  const database = service.app.get(DataSource);
  // In a schema of its own: the service answers for every table of the other one.
  await database.query('CREATE SCHEMA clear');
  await database.query(`CREATE TABLE clear.name (surname text, first_name text, email text, province text, id uuid)`);
  const clear = Array.from({ length: size }, (_, number) => personOf(number));
  await database.query(
    `INSERT INTO clear.name SELECT *, gen_random_uuid() FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])`,
    [
      clear.map(({ surname }) => surname),
      clear.map(({ firstName }) => firstName),
      clear.map(({ email }) => email),
      clear.map(({ province }) => province),
    ],
  );
  await database.query('VACUUM ANALYZE');
}

async function report(service: RunningService, shop: MemberPrincipal, size: number): Promise<void> {
  const database = service.app.get(DataSource);
  const [actions, identities, log, realtime, vault] = [
    service.app.get(Actions),
    service.app.get(Identities),
    service.app.get(Log),
    service.app.get(Realtime),
    service.app.get(Vault),
  ];
  const clear = (where: string, limit: string) =>
    database.query(
      `SELECT surname, first_name, email, id FROM clear.name ${where}
       ORDER BY surname COLLATE "it-x-icu", first_name COLLATE "it-x-icu", id ${limit}`,
    );
  const search = (changes: Partial<ContactSearch>) => Object.assign(new ContactSearch(), changes);
  const contactRepository = database.getRepository('contact') as unknown as ConstructorParameters<typeof Contacts>[0];
  const fresh = () => {
    const directory = new Directory(database, identities);
    return {
      directory,
      contacts: new Contacts(
        contactRepository,
        actions,
        new AddressHashes(vault),
        directory,
        identities,
        log,
        realtime,
        vault,
      ),
    };
  };
  await fresh().contacts.search(shop, search({ limit: 1 }));

  const reference = await timed('names in clear: first page, sorted by PostgreSQL', () => clear('', 'LIMIT 50'));
  const whole = await timed('names in clear: all, sorted by PostgreSQL', () => clear('', ''));
  const rows: Measured[] = [reference, whole];
  const blocked: number[] = [];
  rows.push(
    await timed('first page, cold: every name opened and sorted', () => fresh().contacts.search(shop, search({}))),
  );
  for (let round = 0; round < rounds; round++) {
    const longest = watchTurns();
    await fresh().contacts.search(shop, search({}));
    blocked.push(longest());
  }

  const { directory, contacts } = fresh();
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const { items, nextCursor } = await contacts.search(shop, search({}));
  collectGarbage();
  const bytesPerName = (process.memoryUsage().heapUsed - before) / size;
  const label = items.find(({ labels }) => labels.length > 0)!.labels;
  const id = items[0]!.id;
  const facts: [string, () => Promise<unknown>][] = [
    ['first page, warm', () => contacts.search(shop, search({}))],
    ['second page, warm', () => contacts.search(shop, search({ cursor: nextCursor! }))],
    ['a search for "ros mar"', () => contacts.search(shop, search({ query: 'ros mar' }))],
    ['a search that finds nothing', () => contacts.search(shop, search({ query: 'zzz' }))],
    ['a filter by province and label', () => contacts.search(shop, search({ province: 'RA', label }))],
    ['the facets', () => contacts.facets(shop)],
    ['the ids of all, as the dashboard asks for them', () => contacts.index(shop, {})],
    ['the ids that "ros" finds', () => contacts.index(shop, { query: 'ros' })],
  ];
  for (const [name, work] of facts) rows.push(await timed(name, work, rounds * 4));
  rows.push(
    await timed('the first page in another order, for the first time', async () => {
      const other = fresh();
      await other.directory.book(shop.subscriberId);
      return () => other.contacts.search(shop, search({ sort: 'updated', order: 'desc' }));
    }),
  );
  await contacts.search(shop, search({ sort: 'updated' }));
  rows.push(await timed('the same later', () => contacts.search(shop, search({ sort: 'updated' })), rounds * 4));
  rows.push(await timed('a refresh after one change', () => directory.refresh(shop.subscriberId, id), rounds * 4));
  rows.push(await timed('names in clear: a search for %ros%', () => clear(`WHERE surname ILIKE 'ros%'`, 'LIMIT 50')));

  console.log('| | median ms | min–max | of the reference | worked ms | min–max |\n|---|---|---|---|---|---|');
  for (const { name, times, worked } of rows) {
    const ratio = (median(times) / median(reference.times)).toFixed(2);
    const cells = [name, shown(median(times)), range(times), ratio, shown(median(worked)), range(worked)];
    console.log(`| ${cells.join(' | ')} |`);
  }
  console.log(
    `\nLongest block of the event loop during a cold load: ${shown(median(blocked))} ms (${range(blocked)}).`,
  );
  console.log(`Memory of the directory: ${Math.round(bytesPerName)} bytes a name.\n`);
}

/** Measures some rounds after one that does not count; of work that only prepares, what it gives to be done. */
async function timed(name: string, work: () => Promise<unknown>, times = rounds): Promise<Measured> {
  const measured: Measured = { name, times: [], worked: [] };
  for (let round = -1; round < times; round++) {
    let [began, workedBefore] = [performance.now(), workedUntilNow()];
    const prepared = await work();
    if (typeof prepared === 'function') {
      [began, workedBefore] = [performance.now(), workedUntilNow()];
      await (prepared as () => Promise<unknown>)();
    }
    if (round < 0) continue;
    measured.times.push(performance.now() - began);
    measured.worked.push(workedUntilNow() - workedBefore);
  }
  return measured;
}

/** Milliseconds of processor time that this thread has used. */
function workedUntilNow(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Watches the turns of the event loop, and gives the processor time of the longest. */
function watchTurns(): () => number {
  let [longest, last] = [0, workedUntilNow()];
  let next: NodeJS.Immediate;
  const turn = () => {
    const now = workedUntilNow();
    longest = Math.max(longest, now - last);
    last = now;
    next = setImmediate(turn);
  };
  next = setImmediate(turn);
  return () => {
    clearImmediate(next);
    return longest;
  };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

const range = (values: number[]) => `${shown(Math.min(...values))}–${shown(Math.max(...values))}`;
const shown = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;

await main();

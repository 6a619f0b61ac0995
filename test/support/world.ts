import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client as PgClient, Pool } from 'pg';
import { io, type Socket } from 'socket.io-client';
import type { ClientEvents, ServerEvents, Told, ToldEvent } from '../../src/contract/events.js';
import type { Problem } from '../../src/contract/errors.js';
import { loadConfig } from '../../src/platform/config.js';
import { serveWeb } from '../../src/serve-web.js';
import { type RunningService, startService } from '../../src/service.js';
import { password, people, registrationOf, shops } from './names.js';

export { password, people, shops };

/** An answer of the API. Bodies are checked by what the tests expect of them. */
export interface Answer {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads any field of any answer
  body: any;
}

export interface AskOptions {
  token?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
}

export type DeviceClient = Socket<ServerEvents, ClientEvents>;

/** Set by the environment of the tests, test/setup/environment.mjs: the same for all files of a worker. */
declare const ofWorker: { shared?: Promise<Running>; names: number };

/** A service with what it was started on. */
interface Running {
  service: RunningService;
  dataDir: string;
  databases: { main: string; keyring: string };
  environment: Record<string, string>;
}

/** A service that can be asked, in this process or as one of its own. */
export interface Reach {
  readonly url: string;
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
}

/** A running service with databases of its own on the PostgreSQL that the test run shares. */
export class World implements Reach {
  private readonly devices: Device[] = [];
  private readonly joined = new Map<string, number>();
  /** Connections past the service, by their databases; a question that is repeated until it holds makes no new one each time. */
  private readonly pools = new Map<string, Pool>();

  readonly service: RunningService;
  readonly dataDir: string;
  readonly databases: { main: string; keyring: string };
  /** The environment that its service was started with. */
  readonly environment: Record<string, string>;

  private constructor(
    running: Running,
    private readonly isShared = false,
  ) {
    this.service = running.service;
    this.dataDir = running.dataDir;
    this.databases = running.databases;
    this.environment = running.environment;
  }

  /**
   * The world that all files of a worker share, each with shops of its own: for tests that neither stop the service nor
   * change what holds for everybody. The first file starts it.
   */
  static async shared(): Promise<World> {
    ofWorker.shared ??= start({
      RATE_INVITATION_MAILS: '100000',
      RATE_UPLOADS: '100000',
      PUSH_TEST_CA: fileURLToPath(new URL('tests-only.cert.pem', import.meta.url)),
      PUSH_WAIT_SECONDS: '0.5',
    });
    return new World(await ofWorker.shared, true);
  }

  static async open(environment: Record<string, string> = {}): Promise<World> {
    return new World(await start(environment));
  }

  get url(): string {
    return this.service.url;
  }

  /** Asks the API; a body is sent as JSON unless it is FormData. */
  async ask(method: string, path: string, { token, body, headers }: AskOptions = {}): Promise<Answer> {
    const form = body instanceof FormData;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && !form && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: form ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, body: json && text ? JSON.parse(text) : text };
  }

  /** Request of a person who registers, accepting the policies in force. */
  async registration(
    shop: keyof typeof shops,
    changes: Record<string, unknown> = {},
  ): Promise<Record<string, unknown>> {
    const { body } = await this.ask('GET', '/api/policies/current?audience=subscriber&locale=it');
    return { ...registrationOf(shop, `${shop}${unique()}`, body.items), ...changes };
  }

  /** Registers a business; every call makes another. */
  async shop(shop: keyof typeof shops, changes: Record<string, unknown> = {}): Promise<Shop> {
    const registration = await this.registration(shop, changes);
    const answer = await this.ask('POST', '/api/subscribers', { body: registration });
    expectStatus(answer, 201);
    const { subscriber, session } = answer.body;
    const owner = this.device(session.token, session.id);
    return { id: subscriber.id, owner, username: String(registration['username']), registration };
  }

  /** An open invitation of a shop. */
  async invitation(
    shop: Shop,
    changes: Record<string, unknown> = {},
  ): Promise<{ id: string; code: string; url: string }> {
    const answer = await shop.owner.ask('POST', '/api/invitations', { kind: 'open', ...changes });
    expectStatus(answer, 201);
    return answer.body;
  }

  /** Request of a person who joins with a code. */
  async joining(
    code: string,
    person: keyof typeof people,
    changes: Record<string, unknown> = {},
  ): Promise<Record<string, unknown>> {
    return {
      ...people[person],
      password,
      ageConfirmed: true,
      locale: 'it',
      consents: await this.consents(code),
      ...changes,
    };
  }

  /** The consents that a code asks for, with promotions when `promotions` says so. */
  async consents(code: string, { promotions = false } = {}): Promise<{ policyId: string; purpose: string }[]> {
    const { body } = await this.ask('GET', `/api/invitations/by-code/${code}?locale=it`);
    const [privacy] = body.policies;
    const given = [{ policyId: privacy.id, purpose: 'privacy' }];
    return promotions ? [...given, { policyId: privacy.id, purpose: 'promotions' }] : given;
  }

  /** The owner of a shop invites somebody as staff. */
  async inviteMember(shop: Shop, changes: Record<string, unknown> = {}): Promise<{ id: string; code: string }> {
    const answer = await shop.owner.ask('POST', '/api/members', {
      email: `sara${unique()}@mail.example`,
      ...changes,
    });
    expectStatus(answer, 201);
    return { id: answer.body.id, code: String(answer.body.url).split('/').at(-1)! };
  }

  /** Request of a person who joins as staff. */
  async memberJoining(code: string, changes: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const { body } = await this.ask('GET', `/api/members/by-code/${code}?locale=it`);
    const consents = [{ policyId: body.policies[0].id, purpose: 'privacy' }];
    return { displayName: 'Sara', username: `sara${unique()}`, password, locale: 'it', consents, ...changes };
  }

  /** Somebody joins a shop as staff. */
  async staff(shop: Shop, changes: Record<string, unknown> = {}): Promise<Staff> {
    const { id, code } = await this.inviteMember(shop);
    const joining = await this.memberJoining(code, changes);
    const answer = await this.ask('POST', `/api/members/by-code/${code}/acceptance`, { body: joining });
    expectStatus(answer, 201);
    const { session } = answer.body;
    return { id, username: String(joining['username']), device: this.device(session.token, session.id) };
  }

  /** A new interlocutor joins a shop: every call makes another, with an address of its own from the second on. */
  async join(
    shop: Shop,
    person: keyof typeof people,
    { promotions = false, ...changes }: JoinChanges = {},
  ): Promise<Person> {
    const { code } = await this.invitation(shop);
    const consents = await this.consents(code, { promotions });
    const number = (this.joined.get(`${shop.id} ${person}`) ?? 0) + 1;
    this.joined.set(`${shop.id} ${person}`, number);
    const email = people[person].email.replace('@', number > 1 ? `+${number}@` : '@');
    const answer = await this.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
      body: await this.joining(code, person, { consents, email, ...changes }),
    });
    expectStatus(answer, 201);
    const { interlocutor, contact, session } = answer.body;
    return {
      id: interlocutor.id,
      username: interlocutor.username,
      contactId: contact.id,
      device: this.device(session.token, session.id),
    };
  }

  /** An interlocutor who has an account joins another shop. Gives the contact's id. */
  async joinAlso(person: Person, shop: Shop): Promise<string> {
    const { code } = await this.invitation(shop);
    const answer = await person.device.ask('POST', `/api/invitations/by-code/${code}/acceptance`, {
      consents: await this.consents(code),
    });
    expectStatus(answer, 201);
    return answer.body.contact.id;
  }

  /** Signs in on another device. */
  async signIn(username: string, device?: string): Promise<Device> {
    const answer = await this.ask('POST', '/api/sessions', { body: { username, password, ...(device && { device }) } });
    expectStatus(answer, 201);
    return this.device(answer.body.token, answer.body.id);
  }

  device(token: string, sessionId: string): Device {
    const device = new Device(this, token, sessionId);
    this.devices.push(device);
    return device;
  }

  /** Rows of the main database, or of the keyring, past the service. */
  async rows<Row>(query: string, values: unknown[] = [], database: 'main' | 'keyring' = 'main'): Promise<Row[]> {
    let pool = this.pools.get(database);
    if (!pool) {
      pool = new Pool({ connectionString: this.databases[database], allowExitOnIdle: true });
      // A connection that PostgreSQL ends is replaced by the next question.
      pool.on('error', () => {});
      this.pools.set(database, pool);
    }
    return (await pool.query(query, values)).rows as Row[];
  }

  /** Does something while a transaction of somebody else holds what a statement has locked. */
  async holding<Result>(statement: string, values: unknown[], work: () => Promise<Result>): Promise<Result> {
    const client = new PgClient({ connectionString: this.databases.main });
    await client.connect();
    try {
      await client.query('BEGIN');
      await client.query(statement, values);
      return await work();
    } finally {
      await client.query('ROLLBACK');
      await client.end();
    }
  }

  /** Stops the service and starts it again on the same data, with some settings changed. */
  async restart(changes: Record<string, string> = {}): Promise<World> {
    await this.stop();
    const environment = { ...this.environment, ...changes };
    return new World({ ...this, service: await startService(loadConfig(environment), withPages), environment });
  }

  async close(): Promise<void> {
    this.disconnect();
    await Promise.all([...this.pools.values()].map((pool) => pool.end()));
    if (this.isShared) return;
    await this.stop();
    await rm(this.dataDir, { recursive: true, force: true });
    await Promise.all(Object.values(this.databases).map((url) => drop(new URL(url).searchParams.get('name')!)));
  }

  /** Stops the service; what is stored stays. */
  async stop(): Promise<void> {
    if (this.isShared)
      throw new Error('other test files share this world: open one of its own for a test that stops it');
    this.disconnect();
    await this.service.stop();
  }

  private disconnect(): void {
    for (const device of this.devices) device.disconnect();
  }
}

const withPages = { prepare: [serveWeb] };

/** Starts a service on databases of its own. */
async function start(environment: Record<string, string>): Promise<Running> {
  const name = `world_${process.pid}_${Date.now().toString(36)}_${unique()}`;
  const [main, keyring] = await Promise.all([
    createDatabase(name, 'template_main'),
    createDatabase(`${name}_k`, 'template_keyring'),
  ]);
  const databases = { main, keyring };
  const dataDir = await mkdtemp(join(serverAddress().dataDir, 'world-'));
  const complete = {
    PORT: '0',
    DATA_DIR: dataDir,
    DATABASE_URL: databases.main,
    KEYRING_DATABASE_URL: databases.keyring,
    REGISTRATION: 'open',
    RATE_JOIN: '100000',
    RATE_SIGN_IN: '1000',
    RATE_MESSAGES: '100000',
    LOG_LEVEL: process.env['TEST_LOG'] ?? 'error',
    ...environment,
  };
  return { service: await startService(loadConfig(complete), withPages), dataDir, databases, environment: complete };
}

export interface Shop {
  id: string;
  owner: Device;
  username: string;
  registration: Record<string, unknown>;
}

export interface Staff {
  id: string;
  username: string;
  device: Device;
}

export interface Person {
  id: string;
  username: string;
  contactId: string;
  device: Device;
}

type JoinChanges = Record<string, unknown> & { promotions?: boolean };

/** An event as a device heard it. */
export type Heard = { [Event in ToldEvent]: { event: Event; payload: Told[Event] } }[ToldEvent];

/** A signed-in device: it asks over HTTP, and once connected it hears and sends events. */
export class Device {
  readonly heard: Heard[] = [];
  private socket: DeviceClient | undefined;

  constructor(
    private readonly world: Reach,
    readonly token: string,
    readonly sessionId: string,
  ) {}

  ask(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.world.ask(method, path, { token: this.token, body });
  }

  /** Connects; resolves when connected, rejects with the problem when it is refused. */
  async connect(): Promise<this> {
    const socket: DeviceClient = io(this.world.url, {
      auth: { token: this.token },
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
    });
    socket.onAny((event, payload) => this.heard.push({ event, payload }));
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('connect_error', reject);
      // A connection that ends between its own opening and that of the namespace is told in no other way.
      socket.once('disconnect', (reason) => reject(new Error(reason)));
    });
    this.socket = socket;
    return this;
  }

  get connected(): boolean {
    return this.socket?.connected ?? false;
  }

  disconnect(): void {
    this.socket?.disconnect();
  }

  /** Sends an event and gives its acknowledgement. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads any field of any acknowledgement
  async emit(event: string, payload?: unknown, wait = patience): Promise<any> {
    const untyped = this.socket as unknown as Socket;
    return untyped.timeout(wait).emitWithAck(event, payload);
  }

  /** Sends a message and gives its seq. */
  async say(conversationId: string, body: string, clientId: string = unique()): Promise<number> {
    const answer = await this.emit('message.send', { conversationId, clientId, body });
    if (!answer.data) throw new Error(`not sent: ${JSON.stringify(answer.error)}`);
    return answer.data.seq;
  }

  /** Waits for an event that is heard, or has been. */
  async hears<Event extends ToldEvent>(
    event: Event,
    which: (payload: Told[Event]) => boolean = () => true,
  ): Promise<Told[Event]> {
    const found = () => this.heard.find((each) => each.event === event && which(each.payload as Told[Event]));
    await until(() => found() !== undefined, `hears ${event}`);
    return found()!.payload as Told[Event];
  }
}

/** Long enough for a machine that does other things as well, so that its end is no measure of anything. */
const patience = 60_000;

/** Waits until something holds; fails when it does not come to be, naming it. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + patience;
  for (let wait = 10; !(await holds()); wait = Math.min(wait * 1.5, 100)) {
    if (Date.now() > deadline) throw new Error(`it never came to be: ${what}`);
    await pause(wait);
  }
}

/** Long enough for an event that is under way to arrive, where a test says that none does. */
export const settle = () => pause(200);

export const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

export const unique = () => `${process.pid.toString(36)}${(ofWorker.names++).toString(36)}`;

export function expectStatus(answer: Answer, status: number): void {
  if (answer.status !== status)
    throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body as Problem)}`);
}

/** Databases with their schema, on the PostgreSQL of the test run, for a service that is started as a process. */
export async function migratedDatabases(): Promise<{ environment: Record<string, string>; drop(): Promise<void> }> {
  const name = `process_${process.pid}_${Date.now().toString(36)}`;
  const environment = {
    DATABASE_URL: await createDatabase(name, 'template_main'),
    KEYRING_DATABASE_URL: await createDatabase(`${name}_k`, 'template_keyring'),
  };
  return { environment, drop: async () => void (await Promise.all([name, `${name}_k`].map(drop))) };
}

async function createDatabase(name: string, template: string): Promise<string> {
  const { host, port, user, password: secret } = serverAddress();
  // Four times as fast as by way of the write-ahead log, where no checkpoint waits for the disk.
  await onServer(`CREATE DATABASE "${name}" TEMPLATE "${template}" STRATEGY FILE_COPY`);
  const query = new URLSearchParams({ host, name });
  return `postgres://${user}:${encodeURIComponent(secret)}@localhost:${port}/${name}?${query}`;
}

const drop = (database: string) => onServer(`DROP DATABASE "${database}" WITH (FORCE)`);

async function onServer(statement: string): Promise<void> {
  const { host, port, user, password: secret } = serverAddress();
  const client = new PgClient({ host, port, user, password: secret, database: 'postgres' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export function serverAddress(): {
  host: string;
  port: number;
  user: string;
  password: string;
  dataDir: string;
  clusterDir: string;
} {
  return JSON.parse(process.env['TEST_POSTGRES']!);
}

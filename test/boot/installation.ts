import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Answer, type AskOptions, pause } from '../world.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Exit of a process, with its output. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A data directory of its own, a free port, and the processes that were started on them. */
export class Installation {
  private readonly started: Service[] = [];

  private constructor(
    private readonly folder: string,
    readonly dataDir: string,
    readonly port: number,
    private readonly nodeArguments: string[],
  ) {}

  /** @param nodeArguments for Node itself, at every start of the service */
  static async make(nodeArguments: string[] = []): Promise<Installation> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'colloquio-boot-')));
    // mkdtemp closes it to others; PostgreSQL's user has to pass when the tests run as root.
    if (process.getuid?.() === 0) await chmod(folder, 0o755);
    return new Installation(folder, join(folder, 'data'), await freePort(), nodeArguments);
  }

  keyFile(name: 'master.key' | 'epoch.key' | 'postgres.password'): string {
    return join(this.dataDir, 'keys', name);
  }

  /** Spawns the built service as `npm start` runs it, in an environment of nothing but these variables and PATH. */
  spawn(environment: Record<string, string> = {}): Service {
    const { PORT = this.port, TLS_CERT: certificate } = environment;
    const child = runBuilt('main.js', this.environment(environment), { nodeArguments: this.nodeArguments });
    const service = new Service(child, Number(PORT), certificate);
    this.started.push(service);
    return service;
  }

  /** Starts the service and waits until it says that it runs. */
  async start(environment: Record<string, string> = {}): Promise<Service> {
    const service = this.spawn(environment);
    await service.saysThatItRuns();
    return service;
  }

  /** Starts it expecting that it cannot. */
  async failToStart(environment: Record<string, string> = {}): Promise<Ending> {
    return soon(this.spawn(environment).ended, 'the start gives up');
  }

  /** Runs one of the commands of package.json to its end. */
  async command(
    name: 'check-config' | 'outbox' | 'registration-code',
    environment: Record<string, string> = {},
    ...parameters: string[]
  ): Promise<Ending> {
    const child = runBuilt(`commands/${name}.js`, this.environment(environment), { parameters });
    return new Service(child, this.port).ended;
  }

  /** The embedded PostgreSQL, unless it is gone. */
  get postgresPid(): number | undefined {
    const file = join(this.dataDir, 'pg/postmaster.pid');
    const pid = Number.parseInt(readIfThere(file));
    return pid > 0 && isRunning(pid) ? pid : undefined;
  }

  /** Halts every process of the embedded PostgreSQL, which then answers nothing more, or lets them go on. */
  signalPostgres(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const postmaster = this.postgresPid!;
    const children = spawnSync('pgrep', ['-P', String(postmaster)], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n');
    for (const pid of [postmaster, ...children.map(Number)]) process.kill(pid, signal);
  }

  /** Asks the embedded PostgreSQL directly. */
  async onPostgres<Result>(work: (client: pg.Client) => Promise<Result>, database = 'colloquio'): Promise<Result> {
    const password = (await readFile(this.keyFile('postgres.password'), 'utf8')).trim();
    const host = join(this.dataDir, 'pg-socket');
    const client = new pg.Client({ host, port: 5432, user: 'colloquio', password, database });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    for (const service of this.started) service.kill();
    await Promise.all(this.started.map(({ ended }) => ended));
    if (this.postgresPid) process.kill(this.postgresPid, 'SIGKILL');
    await until(() => this.postgresPid === undefined, 'PostgreSQL is gone');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private environment(additions: Record<string, string>): Record<string, string> {
    return { PATH: process.env['PATH']!, DATA_DIR: this.dataDir, PORT: String(this.port), ...additions };
  }
}

/** A process of the built service. */
export class Service {
  readonly ended: Promise<Ending>;
  readonly url: string;
  stdout = '';
  stderr = '';

  constructor(
    private readonly child: ChildProcess,
    private readonly port: number,
    /** With it the service is asked by HTTPS. */
    private readonly certificate?: string,
  ) {
    this.url = `${certificate ? 'https' : 'http'}://localhost:${port}`;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve) =>
      child.once('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })),
    );
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get hasGreeted(): boolean {
    return this.stdout.includes('Colloquio is running.');
  }

  async saysThatItRuns(): Promise<void> {
    await until(() => this.hasGreeted || !this.isRunning, 'the service runs');
    if (!this.hasGreeted) throw new Error(`it did not start: ${JSON.stringify(await this.ended)}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Asks it to stop and waits until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.signal(signal);
    return soon(this.ended, `the service stops on ${signal}`);
  }

  /** Ends it as a power cut would. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Tells if a new connection could still reach it. */
  async listens(address = '127.0.0.1'): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, address, () => socket.end(() => resolve(true)));
      socket.once('error', () => resolve(false));
    });
  }

  async ask(method: string, path: string, { token, body, headers }: AskOptions = {}): Promise<Answer> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const { status, headers: answered, text } = await answerTo(this.request(method, path, { token, headers }), content);
    const json = answered.get('content-type')?.includes('json');
    return { status, headers: answered, body: json ? JSON.parse(text) : text };
  }

  /** A request that is begun: the service waits for its body. */
  async begin(method: string, path: string, body: unknown): Promise<{ finish(): Promise<number>; drop(): void }> {
    const agent = new Agent({ keepAlive: true });
    const begun = this.request(method, path, { headers: { expect: '100-continue' }, agent });
    // It may be dropped by either side before anybody waits for its answer.
    begun.on('error', () => {}).flushHeaders();
    await once(begun, 'continue');
    return {
      finish: async () => (await answerTo(begun, JSON.stringify(body))).status,
      drop: () => void begun.destroy(),
    };
  }

  /** A connection over which something has been said, and answered. */
  async dial(words: string): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1', () => socket.write(words));
    await once(socket, 'data');
    return socket.resume().on('error', () => {});
  }

  private request(method: string, path: string, { token, headers, agent }: AskOptions & { agent?: Agent }) {
    const options = {
      method,
      agent: agent ?? false,
      headers: {
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
        ...headers,
      },
    };
    if (!this.certificate) return httpRequest(this.url + path, options);
    return httpsRequest(this.url + path, { ...options, ca: readFileSync(this.certificate) });
  }
}

async function answerTo(request: ClientRequest, body: string | undefined) {
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const headers = new Headers();
  for (const [name, values] of Object.entries(response.headersDistinct)) {
    for (const value of values!) headers.append(name, value);
  }
  return { status: response.statusCode!, headers, text: await text(response) };
}

function runBuilt(
  file: string,
  env: Record<string, string>,
  { nodeArguments = [], parameters = [] }: { nodeArguments?: string[]; parameters?: string[] },
): ChildProcess {
  return spawn(process.execPath, [...nodeArguments, join(root, 'dist/src', file), ...parameters], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Empty when the file is not there, or just now no more. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return '';
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie, which containers without an init keep forever, answers signals like the living.
  return process.platform !== 'linux' || !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

const patience = 60_000;

/** Waits until something holds; machines that run tests can be slow, so the end of patience is no measure of anything. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`it never came to be: ${what}`);
    await pause(20);
  }
}

export async function soon<Result>(work: Promise<Result>, what: string): Promise<Result> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it never came to be: ${what}`)), patience);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

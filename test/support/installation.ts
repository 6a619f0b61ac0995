import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { freePort } from '../../src/platform/free-port.js';
import { ServicePort } from './service-port.js';
import { pause } from './world.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type CommandName =
  'backup' | 'check-config' | 'outbox' | 'registration-code' | 'restore' | 'rotate-master-key' | 'verify-certificate';

/** End of a process, with its output. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A data directory of its own, a free port, and the processes that were started on them. */
export class Installation {
  private readonly started: Service[] = [];
  private uid: number | undefined;

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

  keyFile(name: 'master.key' | 'epoch.key' | 'signing.key' | 'push.key' | 'postgres.password'): string {
    return join(this.dataDir, 'keys', name);
  }

  /** Spawns the built service as `npm start` runs it, in an environment of nothing that it reads but these variables. */
  spawn(environment: Record<string, string> = {}): Service {
    const { PORT = this.port } = environment;
    const child = runBuilt('main.js', this.environment(environment), { nodeArguments: this.nodeArguments });
    const service = new Service(child, Number(PORT));
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
  async command(name: CommandName, environment: Record<string, string> = {}, ...parameters: string[]): Promise<Ending> {
    return this.launch(name, environment, ...parameters).ended;
  }

  /** Begins one of the commands of package.json. */
  launch(name: CommandName, environment: Record<string, string> = {}, ...parameters: string[]): Service {
    const { uid } = this;
    const child = runBuilt(`commands/${name}.js`, this.environment(environment), { parameters, uid });
    return new Service(child, this.port);
  }

  /** The same installation, on which another user runs the commands. */
  as(uid: number): Installation {
    const other = new Installation(this.folder, this.dataDir, this.port, this.nodeArguments);
    other.uid = uid;
    return other;
  }

  /** Stops the services that still run. */
  async stopAll(): Promise<void> {
    for (const service of this.started) if (service.isRunning) await service.stop();
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
    return {
      PATH: process.env['PATH']!,
      // Every process loads the same three thousand modules: compiled once, they take a tenth less. `npm start` keeps them there too.
      NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
      DATA_DIR: this.dataDir,
      PORT: String(this.port),
      ...additions,
    };
  }
}

/** A process of the built service. */
export class Service extends ServicePort {
  readonly ended: Promise<Ending>;
  stdout = '';
  stderr = '';

  constructor(
    private readonly child: ChildProcess,
    port: number,
  ) {
    super(port);
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
}

function runBuilt(
  file: string,
  env: Record<string, string>,
  {
    nodeArguments = [],
    parameters = [],
    uid,
  }: { nodeArguments?: string[]; parameters?: string[]; uid?: number | undefined },
): ChildProcess {
  return spawn(process.execPath, [...nodeArguments, join(root, 'dist/src', file), ...parameters], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
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

const patience = 120_000;

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

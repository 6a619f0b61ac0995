import { Crowd } from './crowd-process.js';
import { type Ejabberd, findEjabberd, startEjabberd } from './ejabberd.js';
import { LoadProcess, type Login } from './load-process.js';
import { type People, copyPeople, environmentOf, makePeople } from './people.js';
import { processorSeconds } from './processor-time.js';
import { ServerProcess } from './server-process.js';
import { Stage } from './stage.js';

export interface Options {
  rounds: number;
  seconds: number;
  /** Pairs that write to each other. */
  pairs: number;
  /** Interlocutors of one subscriber. */
  audience: number;
  /** Contacts of a broadcast that goes to more than are connected. */
  recipients: number;
  /** Messages in a full archive. */
  stored: number;
  /** Messages in the archive that is searched; beside it, in a small one. */
  searched: number;
  few: number;
  /** Messages of a contact that is erased, and contacts that are erased at once. */
  erasedMessages: number;
  erasedContacts: number;
  /** Folder for profiles of the service. */
  profileDir: string | undefined;
  /** Names of the attacks to measure; undefined for all. */
  attacks: string[] | undefined;
}

/** A server that messages are sent through, with its clients. */
export interface Contestant {
  name: string;
  pid: number;
  load: LoadProcess;
}

/** Resources that the figures share: the stage, the people, the running servers. Each is made when it is first needed. */
export class Scene {
  readonly options: Options;
  private opened: Promise<Stage> | undefined;
  private made: Promise<People> | undefined;
  private readonly endings: (() => Promise<void>)[] = [];

  constructor(options: Options) {
    this.options = options;
  }

  stage(): Promise<Stage> {
    return (this.opened ??= Stage.open());
  }

  people(): Promise<People> {
    return (this.made ??= this.stage().then((stage) => {
      const { pairs, audience } = this.options;
      return makePeople(stage, { couples: pairs, market: audience });
    }));
  }

  /** A database for a figure, with nothing in it but the people. */
  async newDatabase(name: string): Promise<Stage> {
    const stage = await this.stage();
    await this.people();
    await copyPeople(stage, name);
    return stage;
  }

  /** @param changes to the environment in which it is usually measured */
  async service(database: string, changes: Record<string, string> = {}): Promise<ServerProcess> {
    const server = await ServerProcess.colloquio({ ...environmentOf(await this.stage(), database), ...changes });
    this.endings.push(() => server.stop());
    return server;
  }

  async bareSocketIo(): Promise<ServerProcess> {
    const server = await ServerProcess.bareSocketIo();
    this.endings.push(() => server.stop());
    return server;
  }

  async bareUpload(): Promise<ServerProcess> {
    const server = await ServerProcess.bareUpload();
    this.endings.push(() => server.stop());
    return server;
  }

  async crowd(): Promise<Crowd> {
    const crowd = Crowd.start();
    this.endings.push(() => crowd.stop());
    return crowd;
  }

  /** The service and the devices of all pairs; in every second pair the shop is the one who writes. */
  async colloquio(
    database: string,
    changes: Record<string, string> = {},
  ): Promise<Contestant & { server: ServerProcess }> {
    const { couples } = await this.people();
    const server = await this.service(database, changes);
    const { port } = server;
    const pairs = couples.map(({ token, people: [person] }, index): [Login, Login] => {
      const { conversationId } = person!;
      const shop: Login = { port, token, conversationId, party: 'subscriber' };
      const interlocutor: Login = { port, token: person!.token, conversationId, party: 'interlocutor' };
      return index % 2 === 0 ? [interlocutor, shop] : [shop, interlocutor];
    });
    return { name: 'Colloquio', pid: server.pid, server, load: await this.load(pairs) };
  }

  /** The peer with as many pairs; undefined when it is not installed. */
  async ejabberd(): Promise<(Contestant & { server: Ejabberd }) | undefined> {
    const installed = await findEjabberd();
    if (!installed) return undefined;
    const count = this.options.pairs;
    const server = await startEjabberd(await this.stage(), installed, 2 * count);
    this.endings.push(() => server.stop());
    const { port, domain, password } = server;
    const login = (own: number, peer: number): Login => ({ port, domain, password, user: `u${own}`, peer: `u${peer}` });
    const pairs = Array.from({ length: count }, (_, pair): [Login, Login] => {
      const [one, other] = [2 * pair, 2 * pair + 1];
      return [login(one, other), login(other, one)];
    });
    return { name: 'ejabberd', pid: server.pid, server, load: await this.load(pairs) };
  }

  /** Ends the servers and clients of a figure. */
  async clear(): Promise<void> {
    for (const end of this.endings.splice(0).reverse()) await end();
  }

  async close(): Promise<void> {
    await this.clear();
    await (await this.opened)?.close();
  }

  private async load(pairs: [Login, Login][]): Promise<LoadProcess> {
    const load = await LoadProcess.start(pairs);
    this.endings.push(() => load.stop());
    return load;
  }
}

/** Processor time of a message, in microseconds. */
export interface Cost {
  server: number;
  postgres: number;
  client: number;
}

/** Watches two moments, and divides what was used between them. */
export class CostWatch {
  private readonly pids: number[];
  private readonly moments: number[][] = [];

  constructor(server: number, postgres: number) {
    this.pids = [server, postgres];
  }

  note = (): void => void this.moments.push(this.pids.map(processorSeconds));

  perMessage(messages: number, clientSeconds: number): Cost {
    const [before, after] = this.moments as [number[], number[]];
    const [server, postgres] = after.map((seconds, index) => seconds - before[index]!) as [number, number];
    const each = (seconds: number) => (seconds / messages) * 1e6;
    return { server: each(server), postgres: each(postgres), client: each(clientSeconds) };
  }
}

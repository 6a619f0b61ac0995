import type { Engine, Store } from '../../client/index.js';
import { MemoryStore } from '../../client/memory.js';
import type { Profile, SignIn } from '../../src/contract/accounts.js';
import type { ErrorCode } from '../../src/contract/errors.js';
import { api, appName, ask, fetchAsApp, Refused, Unanswered, whenSignedOut } from '../api/index.js';
import { keepLocale } from '../words/locale.js';
import { emptyBrowser } from './emptying.js';
import { nameKey, noteKey } from './keys.js';
import { Tabs } from './tabs.js';
import { DeviceVault } from './vault.js';

export type SessionState =
  | { readonly name: 'starting' }
  /** The service does not answer, and this device knows nobody. */
  | { readonly name: 'unreachable' }
  /** With the number of messages that waited for the network, and went with all else. */
  | { readonly name: 'signed-out'; readonly why?: 'left' | 'ended' | 'late'; readonly unsent?: number }
  | { readonly name: 'signed-in'; readonly me: Profile; readonly engine: Engine };

const vaultName = () => `colloquio-${appName}`;
const profileKey = 'profile';
/** Says that others use this device as well, in every tab. */
const sharedKey = () => `colloquio-${appName}-shared`;
/** Says that somebody may be signed in here, so that a page that is opened by strangers need not ask. */
const hintKey = () => `colloquio-${appName}-here`;
/** The code that an installed app was started with before: its address brings the same one at every start. */
const carriedKey = 'colloquio-app-carried';

/** Longest leap of the clock, in milliseconds, that a busy computer makes as well. */
const leap = 60_000;

const loadEngine = () => import('./engine.js');

/** The account that this page is signed in to, and its engine. There is one for each page. */
class Session {
  state = $state.raw<SessionState>({ name: 'starting' });
  private store: Store = new MemoryStore();
  private tabsOpened: Tabs | undefined;
  /** The engine to stop; it may outlive the state that shows it. */
  private running: Engine | undefined;
  private leaving: Promise<void> | undefined;
  /** Code of a sign-in that is carried over from another program. */
  private carried: { code: string; device: string } | undefined;

  get tabs(): Tabs {
    return (this.tabsOpened ??= new Tabs(appName));
  }

  /** The signed-in account. @throws Error if there is none: screens that need one are shown only with it */
  get me(): Profile {
    if (this.state.name !== 'signed-in') throw new Error('Nobody is signed in.');
    return this.state.me;
  }

  get engine(): Engine {
    if (this.state.name !== 'signed-in') throw new Error('Nobody is signed in.');
    return this.state.engine;
  }

  /** Others use this device as well: nothing is kept on it beyond the page. */
  get isShared(): boolean {
    return localStorage.getItem(sharedKey()) !== null;
  }

  /** The store of this device, for parts of the app other than the engine. */
  get device(): Store {
    return this.store;
  }

  /** Nobody has been signed in here since the last one logged out, so that the screens of strangers are shown first. */
  get isUnused(): boolean {
    return localStorage.getItem(hintKey()) === null;
  }

  /** Finds out who is signed in: from the service, or from what this device keeps while it cannot be reached. */
  async start(device: string): Promise<void> {
    this.readCarryCode(device);
    whenSignedOut(() => void this.ended());
    this.tabs.listen((news) => void this.heard(news.kind));
    addEventListener('online', () => this.wake());
    addEventListener('pageshow', (event: PageTransitionEvent) => event.persisted && this.wake());
    let hiddenAt: number | undefined;
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) {
        hiddenAt = Date.now();
        if (this.state.name === 'signed-in') void this.engine.drafts.flush();
      } else if (hiddenAt !== undefined && Date.now() - hiddenAt > 60_000) this.wake();
    });
    this.watchSleep();
    await this.look();
  }

  /** Signs in. @throws Refused, Unanswered */
  async signIn(asked: SignIn & { shared?: boolean }): Promise<void> {
    await ask(api.POST('/api/sessions', { body: asked }));
    await this.enter(asked.shared);
  }

  /** Goes on with a session that the service has just made: of a sign-in, a registration, a joining. */
  async enter(shared = false): Promise<void> {
    this.stopEngine();
    await DeviceVault.erase(vaultName()).catch(() => undefined);
    // On a shared device nothing is kept beyond the page.
    if (shared) localStorage.setItem(sharedKey(), '1');
    else localStorage.removeItem(sharedKey());
    // If the next request fails, a later start tries the cookie again.
    localStorage.setItem(hintKey(), '1');
    await this.begin(await ask(api.GET('/api/me')));
    this.tabs.tell({ kind: 'signed-in' });
  }

  /** Takes over a profile that was changed here. */
  async changed(me: Profile): Promise<void> {
    if (this.state.name !== 'signed-in') return;
    this.state = { ...this.state, me };
    keepLocale(me.locale);
    await this.store.put([[profileKey, me]]).catch(() => undefined);
  }

  async reloadProfile(): Promise<void> {
    await this.changed(await ask(api.GET('/api/me')));
  }

  /**
   * Logs out. What this device keeps becomes unreadable first; then the service ends the session.
   * @throws Unanswered, Refused when the service did not end it: this device is empty, but its session goes on until it is
   * ended elsewhere
   */
  async leave(): Promise<void> {
    await this.forget();
    // Before their connections end, which would look to them as if it had been ended elsewhere.
    this.tabs.tell({ kind: 'signed-out' });
    try {
      await ask(api.DELETE('/api/sessions/current'));
    } catch (error) {
      if (!isProblem(error, 'unauthenticated')) throw error;
    } finally {
      this.state = { name: 'signed-out', why: 'left' };
    }
  }

  /** The session has ended elsewhere. */
  private async ended(tell = true): Promise<void> {
    if (this.state.name !== 'signed-in') return;
    this.state = { name: 'signed-out', why: 'ended', unsent: this.unsent };
    await this.forget();
    if (tell) this.tabs.tell({ kind: 'signed-out' });
  }

  /** Messages that wait for the network on this device. */
  private get unsent(): number {
    return this.running?.outbox.view.value.messages.length ?? 0;
  }

  private async look(): Promise<void> {
    if (localStorage.getItem(hintKey()) === null) {
      await this.carryOver();
      return;
    }
    const asked = ask(api.GET('/api/me'));
    // All are under way at once; the answer is looked at below.
    asked.catch(() => undefined);
    const loading = loadEngine();
    loading.catch(() => undefined);
    const store = await this.openStore();
    try {
      await loading;
    } catch {
      this.state = { name: 'unreachable' };
      return;
    }
    const kept = (await store.get(profileKey).catch(() => undefined)) as Profile | undefined;
    // What this device keeps waits for no network.
    if (kept) await this.begin(kept, store);
    try {
      await this.confirm(await asked, store);
    } catch (error) {
      // A service that is overloaded or not ready says nothing about who is signed in.
      if (!isProblem(error, 'unauthenticated')) {
        if (!kept) this.state = { name: 'unreachable' };
        return;
      }
      // The answer may have come before what is kept was shown.
      if (kept && this.state.name !== 'signed-out') {
        this.state = { name: 'signed-out', why: 'ended', unsent: this.unsent };
      }
      await this.forget();
      await this.carryOver();
    }
  }

  /** Goes on with the account that the service says is signed in. */
  private async confirm(me: Profile, store: Store): Promise<void> {
    // Meanwhile somebody may have logged out.
    if (this.state.name === 'signed-out') return;
    if (this.state.name !== 'signed-in') return this.begin(me, store);
    if (accountOf(this.state.me) === accountOf(me)) return this.changed(me);
    // Of somebody else, who was signed in here before.
    this.stopEngine();
    await DeviceVault.erase(vaultName());
    await this.begin(me);
  }

  /** Reads the code from the address, and removes it so that nobody can find or share it. */
  private readCarryCode(device: string): void {
    const url = new URL(location.href);
    const code = url.searchParams.get('carry');
    if (code === null) return;
    // At a later start it is used up, which is nobody's concern.
    if (code && code !== localStorage.getItem(carriedKey)) this.carried = { code, device };
    url.searchParams.delete('carry');
    history.replaceState(history.state, '', url);
  }

  /** Signs in with the code that came with the address, where nobody is signed in. */
  private async carryOver(): Promise<void> {
    if (!this.carried) {
      // If it is known why, that stays.
      if (this.state.name !== 'signed-out') this.state = { name: 'signed-out' };
      return;
    }
    const { code } = this.carried;
    try {
      await ask(api.POST('/api/sessions/carried', { body: this.carried }));
      this.useUp(code);
      await this.enter();
    } catch (error) {
      if (isProblem(error, 'link_invalid', 'validation_failed')) {
        this.useUp(code);
        this.state = { name: 'signed-out', why: 'late' };
      } else this.state = { name: 'unreachable' };
    }
  }

  private useUp(code: string): void {
    this.carried = undefined;
    localStorage.setItem(carriedKey, code);
  }

  private async begin(me: Profile, store?: Store): Promise<void> {
    const { Engine, io, uploadQueued } = await loadEngine();
    this.store = store ?? (await this.openStore());
    // Nothing waits until it is kept.
    void this.store.put([[profileKey, me]]).catch(() => undefined);
    localStorage.setItem(hintKey(), '1');
    keepLocale(me.locale);
    const engine = new Engine({
      party: me.principal.kind === 'member' ? 'subscriber' : 'interlocutor',
      account: accountOf(me),
      http: (path, request) => fetchAsApp(path, request),
      socket: io({ auth: { as: appName }, autoConnect: false }),
      clock: {
        now: Date.now,
        setTimeout: (work, milliseconds) => setTimeout(work, milliseconds),
        clearTimeout: (timer) => clearTimeout(timer as number),
      },
      random: { number: Math.random, id: () => crypto.randomUUID() },
      lock: { request: (name, work) => navigator.locks.request(`${vaultName()}/${name}`, work) },
      store: this.telling(this.store),
      upload: uploadQueued,
      keysOf: (id) => [noteKey(id), nameKey(id)],
      // A counter's computer keeps no messages of customers.
      ...(appName === 'app' && { keepsMessages: 200 }),
    });
    engine.link.state.subscribe((link) => {
      if (link.name === 'signed-out') void this.ended();
    });
    this.running = engine;
    try {
      // A screen that is shown before would ask the service for what this device keeps.
      await engine.start();
    } finally {
      if (this.running === engine) this.state = { name: 'signed-in', me, engine };
    }
  }

  /** Tells the other tabs what has changed in the store that they share. */
  private telling(store: Store): Store {
    const tell = (entries: Parameters<Store['put']>[0]) => {
      for (const kind of ['outbox', 'drafts'] as const) {
        const prefix = kind === 'outbox' ? 'outbox/' : 'draft/';
        if (entries.some(([key]) => key.startsWith(prefix))) this.tabs.tell({ kind });
      }
    };
    return {
      get: (key) => store.get(key),
      entries: (prefix) => store.entries(prefix),
      put: async (entries) => {
        await store.put(entries);
        tell(entries);
      },
    };
  }

  private openStore(): Promise<Store> {
    return this.isShared ? Promise.resolve(new MemoryStore()) : DeviceVault.open(vaultName());
  }

  private async heard(kind: string): Promise<void> {
    if (kind === 'signed-out') return this.ended(false);
    if (kind === 'signed-in') return location.reload();
    if (this.state.name !== 'signed-in') return;
    if (kind === 'outbox') {
      await this.engine.outbox.refresh();
      this.engine.outbox.flush();
    }
    if (kind === 'drafts') await this.engine.drafts.refresh();
  }

  /** A computer that is shut while its page is shown tells nobody: the clock has leapt on when it is opened again. */
  private watchSleep(): void {
    let looked = Date.now();
    const look = () => {
      const passed = Date.now() - looked;
      looked += passed;
      // Browsers let the timers of hidden pages wait.
      if (passed > leap && !document.hidden) this.wake(true);
    };
    setInterval(look, 5_000);
    document.addEventListener('visibilitychange', () => (looked = Date.now()));
  }

  private wake(slept = false): void {
    if (this.state.name === 'signed-in') {
      this.engine.poke({ slept });
      // The socket may not have noticed anything: what waits for its next attempt is tried at once.
      this.engine.outbox.connected();
    } else if (this.state.name === 'unreachable') void this.look();
  }

  /** Stops everything and erases what this device keeps, the key first. */
  private forget(): Promise<void> {
    this.leaving ??= (async () => {
      this.stopEngine();
      await DeviceVault.erase(vaultName()).catch(() => undefined);
      this.store = new MemoryStore();
      await emptyBrowser(appName);
    })().finally(() => (this.leaving = undefined));
    return this.leaving;
  }

  private stopEngine(): void {
    this.running?.abandon();
    this.running = undefined;
  }
}

const isProblem = (error: unknown, ...codes: ErrorCode[]): boolean =>
  error instanceof Refused && codes.includes(error.problem.code);

function accountOf({ principal }: Profile): string {
  return principal.kind === 'member' ? principal.memberId : principal.interlocutorId;
}

export const session = new Session();
export { Refused, Unanswered };

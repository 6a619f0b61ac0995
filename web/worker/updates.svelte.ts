import { appName } from '../api/index.js';

const hourly = 60 * 60 * 1000;
const hiddenLongEnough = 60_000;
const settledAfter = 1_000;

/**
 * The version of this page. A newer one waits until it disturbs nobody: at a fresh start, while the page has been hidden for a
 * minute and nothing is begun, or when the person asks for it.
 */
class Updates {
  /** A newer version is there. */
  isWaiting = $state(false);
  /** The registration of this app's worker; undefined where there is none. */
  readonly registered: Promise<ServiceWorkerRegistration | undefined>;
  private settle!: (registration: ServiceWorkerRegistration | undefined) => void;
  private registration: ServiceWorkerRegistration | undefined;
  private readonly begun = new Set<object>();
  private hiddenSince: number | undefined;

  constructor() {
    this.registered = new Promise((resolve) => (this.settle = resolve));
  }

  async start(): Promise<void> {
    if (!('serviceWorker' in navigator) || !isSecureContext) return this.settle(undefined);
    const scope = appName === 'app' ? '/app' : '/';
    // The other app's worker may control this page at first: only a worker of this app is one that another follows.
    const known = await navigator.serviceWorker.getRegistration(scope);
    const isFollowed = Boolean(known?.active) && new URL(known!.scope).pathname === scope;
    navigator.serviceWorker.addEventListener('controllerchange', () => {
      // The first worker of a page takes nothing away.
      if (isFollowed || this.isWaiting) location.reload();
    });
    // The first worker of a device loads the whole app, for which the first screen must not wait.
    if (!known) await pageIsSettled();
    try {
      this.registration = await navigator.serviceWorker.register(workerOf(appName), { scope });
      this.settle(this.registration);
    } catch {
      // Some settings of a browser forbid workers: then the app needs its network to open, and works like that.
      return this.settle(undefined);
    }
    // A fresh start: nothing is begun yet.
    if (this.registration.waiting && isFollowed) return this.letIn();
    this.registration.addEventListener('updatefound', () => this.watch(this.registration?.installing));
    this.watch(this.registration.installing);
    setInterval(() => void this.look(), hourly);
    document.addEventListener('visibilitychange', () => this.seen());
    setInterval(() => this.letInQuietly(), hiddenLongEnough / 2);
  }

  /** Something is begun that a reload would disturb: a recording, an upload, an open form. Gives the function that ends it. */
  begin(): () => void {
    const token = {};
    this.begun.add(token);
    return () => void this.begun.delete(token);
  }

  /** Lets the newer version in; the page is loaded again with it. */
  letIn(): void {
    this.isWaiting = true;
    this.registration?.waiting?.postMessage('take-over');
  }

  private watch(worker: ServiceWorker | null | undefined): void {
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed' && this.registration?.active) this.isWaiting = true;
    });
  }

  private seen(): void {
    this.hiddenSince = document.hidden ? Date.now() : undefined;
    if (!document.hidden) void this.look();
  }

  private async look(): Promise<void> {
    // Without a network there is nothing to be found.
    await this.registration?.update().catch(() => undefined);
  }

  private letInQuietly(): void {
    const isHidden = this.hiddenSince !== undefined && Date.now() - this.hiddenSince >= hiddenLongEnough;
    if (this.isWaiting && isHidden && this.begun.size === 0) this.letIn();
  }
}

/** Resolves a moment after the page and all that it named have been loaded. */
function pageIsSettled(): Promise<void> {
  return new Promise((resolve) => {
    const wait = () => setTimeout(resolve, settledAfter);
    if (document.readyState === 'complete') wait();
    else addEventListener('load', wait, { once: true });
  });
}

/** Address of the worker of an app, as a page may load it under its policy of trusted types. */
function workerOf(app: typeof appName): string {
  const file = app === 'app' ? '/app-sw.js' : '/sw.js';
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy('colloquio-worker', { createScriptURL: () => file });
  return policy?.createScriptURL(file) ?? file;
}

/** The part of the browsers' interface that is used here; not all of them have it. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: () => string }): { createScriptURL: (url: string) => string };
}

export const updates = new Updates();

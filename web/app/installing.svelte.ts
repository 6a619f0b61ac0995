/** The browser's own question whether to install, which a page can hold back until it is asked for. */
interface InstallPrompt extends Event {
  prompt(): Promise<void>;
  readonly userChoice: Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

const refusedKey = 'colloquio-app-install-refused';
const visitsKey = 'colloquio-app-visits';
const refusedFor = 30 * 24 * 60 * 60 * 1000;

const agent = navigator.userAgent;
/** iPads say that they are Macs, but those have no touch screen. */
const isApple = /iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1);

/** Installing of the app: where the browser offers it, and what to say where it does not. */
class Installing {
  private prompt = $state.raw<InstallPrompt>();
  private refusedAt = $state(numberOf(refusedKey));
  isInstalled = $state(
    matchMedia('(display-mode: standalone)').matches || ('standalone' in navigator && navigator.standalone === true),
  );
  /** `ios-inside`: a page within another app, such as one of photographs, which can install nothing. */
  readonly way: 'ios-safari' | 'ios-other' | 'ios-inside' | 'menu' = !isApple
    ? 'menu'
    : /CriOS|FxiOS|EdgiOS/.test(agent)
      ? 'ios-other'
      : /Safari\//.test(agent)
        ? 'ios-safari'
        : 'ios-inside';

  /** The browser can ask now. */
  get canAsk(): boolean {
    return this.prompt !== undefined;
  }

  /** The person can do it by the menu for sharing of iOS. */
  get canAdd(): boolean {
    return this.way === 'ios-safari' || this.way === 'ios-other';
  }

  /** The banner is for who has come back, was not asked lately, and can install. */
  get isOffered(): boolean {
    if (this.isInstalled || numberOf(visitsKey) < 2 || Date.now() - this.refusedAt < refusedFor) return false;
    return this.canAsk || this.canAdd;
  }

  start(): void {
    addEventListener('beforeinstallprompt', (event) => {
      event.preventDefault();
      this.prompt = event as InstallPrompt;
    });
    addEventListener('appinstalled', () => {
      this.isInstalled = true;
      this.prompt = undefined;
      void keepStorage();
    });
    if (!sessionStorage.getItem(visitsKey)) {
      remember(visitsKey, numberOf(visitsKey) + 1);
      sessionStorage.setItem(visitsKey, '1');
    }
    // Browsers that were visited once may delete what a page keeps when they need room.
    if (this.isInstalled || numberOf(visitsKey) >= 2) void keepStorage();
  }

  async ask(): Promise<void> {
    const { prompt } = this;
    if (!prompt) return;
    this.prompt = undefined;
    await prompt.prompt();
    const { outcome } = await prompt.userChoice;
    if (outcome === 'dismissed') this.refuse();
  }

  refuse(): void {
    this.refusedAt = Date.now();
    remember(refusedKey, this.refusedAt);
  }
}

async function keepStorage(): Promise<void> {
  if (localStorage.getItem('colloquio-app-here') === null) return;
  await navigator.storage?.persist?.().catch(() => false);
}

function numberOf(key: string): number {
  try {
    return Number(localStorage.getItem(key) ?? 0);
  } catch {
    return 0;
  }
}

function remember(key: string, value: number): void {
  try {
    localStorage.setItem(key, String(value));
  } catch {
    // It is forgotten with this page.
  }
}

export const installing = new Installing();

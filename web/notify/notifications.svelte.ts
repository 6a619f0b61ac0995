import type { Engine } from '../../client/index.js';
import { api, appName, ask } from '../api/index.js';
import { session } from '../sync/session.svelte.js';
import type { PushTestOutcome } from '../../src/contract/push.js';
import { isProblem } from '../words/errors.js';
import type { NotificationOpened } from '../worker/pushes.js';
import { updates } from '../worker/updates.svelte.js';
import { isSubscribed, isWanted, subscribe, unsubscribe } from './subscribing.js';

/** `ios`: a page of Safari that is not installed, which gets none; `shared`: a device that others use as well. */
export type NotificationState = 'unknown' | 'unsupported' | 'ios' | 'shared' | 'denied' | 'off' | 'on';

const refusedFor = 30 * 24 * 60 * 60 * 1000;
const refusedKey = () => `colloquio-${appName}-notifications-refused`;

/** Notifications on this device: whether it gets them, and those that it shows. */
class Notifications {
  state = $state<NotificationState>('unknown');
  private refusedAt = $state(0);

  /** The person may be asked: it has not said no lately. */
  get mayAsk(): boolean {
    return this.state === 'off' && Date.now() - this.refusedAt > refusedFor;
  }

  /** Renews the subscription, and keeps notifications in step with unread messages. @param open opens a conversation */
  watch(engine: Engine, open: (conversationId: string) => void): () => void {
    this.refusedAt = Number(localStorage.getItem(refusedKey())) || 0;
    void this.renew();
    const heard = ({ data }: MessageEvent<Partial<NotificationOpened> | undefined>) => {
      if (data?.kind === 'notification-opened' && data.conversationId) open(data.conversationId);
    };
    navigator.serviceWorker?.addEventListener('message', heard);
    let heads: unknown;
    const stop = engine.subscribe((view) => {
      // What the device has kept does not know yet what is unread.
      if (view.link.name !== 'live' || view.heads === heads) return;
      heads = view.heads;
      void this.closeRead(engine);
    });
    return () => {
      navigator.serviceWorker?.removeEventListener('message', heard);
      stop();
    };
  }

  /** Asks the browser, and subscribes. @throws Refused, Unanswered, or what the browser says */
  async turnOn(): Promise<void> {
    const permission = await Notification.requestPermission();
    if (permission !== 'granted') {
      // Who closes the browser's question may be asked again some time.
      if (permission === 'denied') this.state = 'denied';
      else this.refuse();
      return;
    }
    await subscribe();
    this.state = 'on';
  }

  /** @throws Refused, Unanswered when the service could not be told */
  async turnOff(): Promise<void> {
    await ask(api.DELETE('/api/push-subscriptions/current')).catch((error: unknown) => {
      if (!isProblem(error, 'not_found')) throw error;
    });
    await unsubscribe().catch(() => undefined);
    this.refuse();
    this.state = 'off';
  }

  /** The person does not want them now. */
  refuse(): void {
    this.refusedAt = Date.now();
    localStorage.setItem(refusedKey(), String(this.refusedAt));
  }

  /** @throws Refused, Unanswered */
  async test(): Promise<PushTestOutcome> {
    const { outcome } = await ask(api.POST('/api/push-subscriptions/test'));
    // The next one finds it subscribed again.
    if (outcome === 'gone') await this.renew();
    return outcome;
  }

  private async renew(): Promise<void> {
    this.state = await this.found().catch(() => 'off' as const);
  }

  private async found(): Promise<NotificationState> {
    const impossible = this.impossible();
    if (impossible) return impossible;
    if (!(await updates.registered)) return 'unsupported';
    if (Notification.permission === 'denied') return 'denied';
    const known = await isSubscribed();
    if (Notification.permission !== 'granted' || !(known || isWanted())) return 'off';
    try {
      await subscribe();
      return 'on';
    } catch {
      // Without a network it stays as it was.
      return (await isSubscribed()) ? 'on' : 'off';
    }
  }

  private impossible(): NotificationState | undefined {
    if (session.isShared) return 'shared';
    if ('PushManager' in window && 'Notification' in window && 'serviceWorker' in navigator) return undefined;
    return /iPhone|iPad|iPod/.test(navigator.userAgent) || isTouchMac ? 'ios' : 'unsupported';
  }

  /** Closes what is shown of conversations that were read, here or on another device. */
  private async closeRead(engine: Engine): Promise<void> {
    const { unread } = engine.view.value;
    const badged = unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
    await badged?.catch(() => undefined);
    if (this.state !== 'on') return;
    const registration = await updates.registered;
    for (const shown of (await registration?.getNotifications()) ?? []) {
      if (engine.heads.get(shown.tag)?.unread === 0) shown.close();
    }
  }
}

/** iPads say that they are Macs, but those have no touch screen. */
const isTouchMac = /Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1;

export const notifications = new Notifications();

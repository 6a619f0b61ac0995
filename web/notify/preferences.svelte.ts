import type { MutedConversation, QuietHours } from '../../src/contract/push.js';
import { api, ask } from '../api/index.js';
import { follow } from '../sync/follow.js';
import { isProblem } from '../words/errors.js';

/** Quiet hours and muted conversations of this account, on all of its devices. */
class Preferences {
  quietHours = $state.raw<QuietHours | null>(null);
  muted = $state.raw<readonly MutedConversation[]>([]);
  isLoaded = $state(false);
  failed = $state.raw<unknown>();
  private asked = 0;

  /** Loads them, and again after every change and absence. Gives the function that ends it. */
  watch(): () => void {
    const stop = follow('notification-settings.changed', () => this.load());
    return () => {
      stop();
      this.isLoaded = false;
    };
  }

  async load(): Promise<void> {
    const asked = ++this.asked;
    try {
      const { quietHours, muted } = await ask(api.GET('/api/notification-settings'));
      if (asked !== this.asked) return;
      this.quietHours = quietHours;
      this.muted = muted;
      this.isLoaded = true;
      this.failed = undefined;
    } catch (error) {
      if (asked === this.asked) this.failed = error;
    }
  }

  isMuted(conversationId: string): boolean {
    const mute = this.muted.find((each) => each.conversationId === conversationId);
    return mute !== undefined && (mute.until === null || Date.parse(mute.until) > Date.now());
  }

  /** @throws Refused, Unanswered */
  async setQuietHours(quietHours: QuietHours | null): Promise<void> {
    this.quietHours = (await ask(api.PUT('/api/notification-settings', { body: { quietHours } }))).quietHours;
  }

  /** @throws Refused, Unanswered */
  async mute(conversationId: string, until: string | null): Promise<void> {
    const params = { path: { id: conversationId } };
    const muted = await ask(api.PUT('/api/conversations/{id}/mute', { params, body: { until } }));
    this.muted = [...this.without(conversationId), muted];
  }

  /** @throws Refused, Unanswered */
  async unmute(conversationId: string): Promise<void> {
    const params = { path: { id: conversationId } };
    await ask(api.DELETE('/api/conversations/{id}/mute', { params })).catch((error: unknown) => {
      // It has ended by itself meanwhile.
      if (!isProblem(error, 'not_found')) throw error;
    });
    this.muted = this.without(conversationId);
  }

  private without(conversationId: string): MutedConversation[] {
    return this.muted.filter((each) => each.conversationId !== conversationId);
  }
}

export const preferences = new Preferences();

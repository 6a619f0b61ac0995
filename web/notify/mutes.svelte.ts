import { SvelteMap } from 'svelte/reactivity';
import type { MutedConversation, NotificationSettings } from '../../src/contract/push.js';
import { api, ask } from '../api/index.js';
import { isProblem } from '../words/errors.js';

/** Conversations that this account has muted, on all of its devices. */
class Mutes {
  private readonly until = new SvelteMap<string, string | null>();

  isMuted(conversationId: string): boolean {
    const until = this.until.get(conversationId);
    return until === null || (until !== undefined && Date.parse(until) > Date.now());
  }

  /** Learns them anew; what cannot be learned now is learned later. */
  async know(): Promise<void> {
    await this.load().catch(() => undefined);
  }

  /** @throws Refused, Unanswered */
  async load(): Promise<NotificationSettings> {
    const settings = await ask(api.GET('/api/notification-settings'));
    this.until.clear();
    for (const { conversationId, until } of settings.muted) this.until.set(conversationId, until);
    return settings;
  }

  get all(): MutedConversation[] {
    return [...this.until].map(([conversationId, until]) => ({ conversationId, until }));
  }

  /** @throws Refused, Unanswered */
  async mute(conversationId: string, until: string | null): Promise<void> {
    const params = { path: { id: conversationId } };
    const muted = await ask(api.PUT('/api/conversations/{id}/mute', { params, body: { until } }));
    this.until.set(conversationId, muted.until);
  }

  /** @throws Refused, Unanswered */
  async unmute(conversationId: string): Promise<void> {
    const params = { path: { id: conversationId } };
    await ask(api.DELETE('/api/conversations/{id}/mute', { params })).catch((error: unknown) => {
      // It has ended by itself meanwhile.
      if (!isProblem(error, 'not_found')) throw error;
    });
    this.until.delete(conversationId);
  }
}

export const mutes = new Mutes();

import { Injectable } from '@nestjs/common';
import type { Party } from '../contract/events.js';
import { Vault } from '../platform/vault/vault.js';
import { broadcastContext } from './broadcast-mark.js';
import type { ContentRow } from './conversations.queries.js';

/** Sealing context of a body: moved to another place, the body does not open. */
export const messageContext = (subscriberId: string, conversationId: string, sender: Party, clientId: string) => [
  'message',
  subscriberId,
  conversationId,
  sender,
  clientId,
];

/** A row with a message's content, and the conversation it stands in. */
export type PlacedContent = ContentRow & { subscriberId: string; conversationId: string };

/** Decrypts the texts of messages, wherever they are stored. */
@Injectable()
export class MessageTexts {
  constructor(private readonly vault: Vault) {}

  /** @returns in the order of the rows; empty for what was withdrawn or has gone by retention, undefined where the key is gone */
  async open(rows: readonly PlacedContent[]): Promise<(string | undefined)[]> {
    const broadcasts = await this.openBroadcasts(rows);
    const own = rows.filter((row) => row.body !== null);
    const bodies = await this.vault.openMany(
      'contact',
      own.map(({ subscriberId, conversationId, sender, client_id: clientId, body }) => ({
        id: conversationId,
        sealed: body!,
        context: messageContext(subscriberId, conversationId, sender, clientId!),
      })),
    );
    const ownTexts = new Map(own.map((row, index) => [row, bodies[index]]));
    return rows.map((row) => {
      if (row.withdrawn_at) return '';
      return row.body === null ? broadcasts.get(row.broadcast_id!) : ownTexts.get(row);
    });
  }

  /** Each common text once, however many messages it stands for. */
  private async openBroadcasts(rows: readonly PlacedContent[]): Promise<Map<string, string | undefined>> {
    const common = new Map<string, PlacedContent>();
    for (const row of rows) {
      if (!row.withdrawn_at && row.body === null) common.set(row.broadcast_id!, row);
    }
    const texts = await this.vault.openMany(
      'subscriber',
      [...common].map(([broadcastId, { subscriberId, broadcast_body: sealed }]) => ({
        id: subscriberId,
        sealed: sealed!,
        context: broadcastContext(subscriberId, broadcastId),
      })),
    );
    return new Map([...common.keys()].map((broadcastId, index) => [broadcastId, texts[index]]));
  }
}

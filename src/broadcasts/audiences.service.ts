import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { sameSegment } from '../address-book/book.js';
import type { RecipientOutcome } from '../contract/broadcasts.js';
import type { BroadcastKind } from '../contract/events.js';
import { Labels } from '../labels/labels.service.js';
import { ValidationFailed } from '../platform/problems/domain-error.js';
import { Vault } from '../platform/vault/vault.js';
import type { Audience, SkippedContacts } from './broadcasts.dto.js';
import { SeenTimesOff, UnknownAudienceBroadcast, UnknownAudienceLabel } from './broadcasts.errors.js';
import {
  type AudienceContactRow,
  type AudienceCountRow,
  contactsOfAudience,
  countAudience,
  earlierQuery,
  nextContacts,
  type SpelledAudience,
} from './broadcasts.queries.js';

export interface AudienceCounts {
  total: number;
  /** Number of contacts that have consented to promotions. */
  promotions: number;
  recipients: number;
  skipped: number;
  skippedBy: SkippedContacts[];
}

/** Selects the contacts that a broadcast is for. */
@Injectable()
export class Audiences {
  constructor(
    private readonly labels: Labels,
    private readonly vault: Vault,
  ) {}

  /**
   * An audience as it is stored: without empty fields and duplicate values.
   * @throws ValidationFailed for an audience without a choice, or with `all` and a choice
   */
  stated(audience: Audience): Audience {
    const { all, notSeenOf, ...lists } = audience;
    const entries = listFields.flatMap((field) => {
      const values = [...new Set(lists[field])].sort();
      return values.length > 0 ? [[field, values] as const] : [];
    });
    const naming = entries.filter(([field]) => !field.startsWith('except'));
    const isNamed = naming.length > 0 || notSeenOf !== undefined;
    if (all && isNamed) {
      const message = 'Send either all, or regions, provinces, sectors, labels, contacts and notSeenOf, not both.';
      throw new ValidationFailed([{ field: 'audience.all', code: 'exclusive', message }]);
    }
    if (!all && !isNamed) {
      const message =
        'Choose who gets the broadcast: all, or some regions, provinces, sectors, labels or contacts, or those who have not seen another one.';
      throw new ValidationFailed([{ field: 'audience', code: 'required', message }]);
    }
    return { ...(all && { all }), ...Object.fromEntries(entries), ...(notSeenOf !== undefined && { notSeenOf }) };
  }

  /**
   * @throws ValidationFailed for a label or broadcast that does not exist, and for those who have not seen a broadcast while that is
   * not disclosed
   */
  async requireKnown(manager: EntityManager, subscriberId: string, audience: Audience): Promise<void> {
    for (const field of ['labels', 'exceptLabels'] as const) {
      const ids = audience[field] ?? [];
      if (!(await this.lockLabels(manager, subscriberId, ids))) throw new UnknownAudienceLabel(field);
    }
    if (audience.notSeenOf === undefined) return;
    const [earlier] = await manager.query<{ disclosed: boolean }[]>(earlierQuery, [subscriberId, audience.notSeenOf]);
    if (!earlier) throw new UnknownAudienceBroadcast();
    if (!earlier.disclosed) throw new SeenTimesOff('audience.notSeenOf');
  }

  /**
   * Tells if every label that an audience names still exists, and locks these labels until the transaction ends: if an
   * excepted label were deleted, the broadcast would reach the wrong people.
   */
  lockAudienceLabels(manager: EntityManager, subscriberId: string, audience: Audience): Promise<boolean> {
    const { labels = [], exceptLabels = [] } = audience;
    return this.lockLabels(manager, subscriberId, [...new Set([...labels, ...exceptLabels])]);
  }

  /** Compares as the address book does: {@link sameWords}. */
  async spelled(manager: EntityManager, subscriberId: string, audience: Audience): Promise<SpelledAudience> {
    const spelled = { ...audience };
    for (const [field, column] of segments) {
      const wanted = audience[field];
      if (!wanted) continue;
      const isWanted = sameSegment(column, wanted);
      const rows = await manager.query<{ value: string }[]>(
        `SELECT DISTINCT ${column} AS value FROM contact WHERE subscriber_id = $1 AND ${column} IS NOT NULL`,
        [subscriberId],
      );
      spelled[field] = rows.flatMap(({ value }) => (isWanted(value) ? value : []));
    }
    return spelled;
  }

  async count(
    manager: EntityManager,
    subscriberId: string,
    { kind, audience }: { kind: BroadcastKind; audience: SpelledAudience },
  ): Promise<AudienceCounts> {
    const { text, values } = countAudience(subscriberId, kind, audience);
    const [{ total, promotions, ...skipped }] = await manager.query<[AudienceCountRow]>(text, values);
    const skippedBy = (['no_promotions', 'restricted'] as const)
      .map((reason) => ({ reason, contacts: skipped[reason] }))
      .filter(({ contacts }) => contacts > 0);
    const sum = skipped.no_promotions + skipped.restricted;
    return { total, promotions, recipients: total - sum, skipped: sum, skippedBy };
  }

  /** Contacts of an audience in the order of sending, with what would keep each from getting the broadcast. */
  async contacts(
    manager: EntityManager,
    subscriberId: string,
    wanted: { kind: BroadcastKind; audience: SpelledAudience; outcome: RecipientOutcome | null },
    page: { after: string; limit: number },
  ): Promise<AudienceContactRow[]> {
    const { text, values } = contactsOfAudience(subscriberId, wanted, page);
    return manager.query<AudienceContactRow[]>(text, values);
  }

  /** The ids of the next contacts of an audience. */
  async next(
    manager: EntityManager,
    subscriberId: string,
    { audience, ...which }: { audience: SpelledAudience; after: string; joinedUntil: Date; limit: number },
  ): Promise<string[]> {
    const { text, values } = nextContacts(subscriberId, audience, which);
    return (await manager.query<{ id: string }[]>(text, values)).map(({ id }) => id);
  }

  seal(subscriberId: string, broadcastId: string, audience: Audience): Promise<Buffer> {
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return this.vault.seal(key, JSON.stringify(audience), audienceContext(subscriberId, broadcastId));
  }

  async open(subscriberId: string, broadcastId: string, sealed: Buffer): Promise<Audience> {
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return JSON.parse(await this.vault.open(key, sealed, audienceContext(subscriberId, broadcastId))) as Audience;
  }

  private async lockLabels(manager: EntityManager, subscriberId: string, ids: readonly string[]): Promise<boolean> {
    return ids.length === 0 || this.labels.lock(manager, subscriberId, ids);
  }
}

const listFields = [
  'regions',
  'provinces',
  'sectors',
  'labels',
  'contactIds',
  'exceptLabels',
  'exceptContactIds',
] as const;

const segments = [
  ['regions', 'region'],
  ['provinces', 'province'],
  ['sectors', 'sector'],
] as const;

const audienceContext = (subscriberId: string, broadcastId: string) => [
  'broadcast',
  subscriberId,
  broadcastId,
  'audience',
];

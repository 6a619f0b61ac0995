import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { Directory } from '../address-book/directory.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import { openSealedPage } from '../platform/cursors.js';
import { fold } from '../platform/folding.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { isUniqueViolation } from '../platform/sqlstate.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Label } from './label.entity.js';
import { type ChangeLabel, type LabelList, type LabelView, ListLabels, type NewLabel } from './labels.dto.js';
import { LabelTaken, TooManyLabels } from './labels.errors.js';

@Injectable()
export class Labels {
  constructor(
    @InjectRepository(Label) private readonly labels: Repository<Label>,
    private readonly actions: Actions,
    private readonly directory: Directory,
    private readonly realtime: Realtime,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {}

  async list({ subscriberId }: MemberPrincipal, wanted: ListLabels): Promise<LabelList> {
    const { manager } = this.labels;
    // Positions are names, which cursors hold sealed.
    const sealed = { vault: this.vault, key: { scope: 'subscriber', id: subscriberId } } as const;
    const { ask, position, next } = await openSealedPage(ListLabels, wanted, sealed);
    const all = await this.all(manager, subscriberId);
    const rest = position ? all.filter((label) => byName(label, positionedAt(position)) > 0) : all;
    const labels = rest.slice(0, ask.limit);
    const counts = await manager.query<{ label_id: string; contacts: number }[]>(
      `SELECT label_id, count(*)::integer AS contacts FROM contact_label WHERE subscriber_id = $1 GROUP BY label_id`,
      [subscriberId],
    );
    const contactsOf = new Map(counts.map(({ label_id, contacts }) => [label_id, contacts]));
    const items = labels.map((label) => ({ ...label, contacts: contactsOf.get(label.id) ?? 0 }));
    const last = labels.at(-1);
    return { items, nextCursor: last && rest.length > ask.limit ? await next([last.name, last.id]) : null };
  }

  /** The names of all labels, by their ids. */
  async names(subscriberId: string): Promise<Map<string, string>> {
    return new Map((await this.all(this.labels.manager, subscriberId)).map(({ id, name }) => [id, name]));
  }

  /**
   * Locks labels against removal until the transaction ends.
   * @returns whether all of them exist
   */
  async lock(manager: EntityManager, subscriberId: string, ids: readonly string[]): Promise<boolean> {
    const there = await manager.query<unknown[]>(
      'SELECT id FROM label WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR KEY SHARE',
      [subscriberId, ids],
    );
    return there.length === ids.length;
  }

  /** @throws LabelTaken, TooManyLabels */
  async create(member: MemberPrincipal, { name, color = null }: NewLabel): Promise<LabelView> {
    const { subscriberId } = member;
    const id = uuid();
    await this.changing(subscriberId, async (manager) => {
      if ((await manager.countBy(Label, { subscriberId })) >= limits.labelsPerSubscriber) throw new TooManyLabels();
      await this.requireFree(manager, subscriberId, id, name);
      const named = await this.sealedName(subscriberId, id, name);
      await manager.insert(Label, { subscriberId, id, ...named, color, createdAt: new Date() });
      await this.actions.record(manager, member, 'label.made', id);
      return 'changed';
    });
    return { id, name, color };
  }

  /**
   * The ids of labels by their names as they are compared; those that are not there are made.
   * @throws TooManyLabels
   */
  async named(member: MemberPrincipal, names: readonly string[]): Promise<(name: string) => string | undefined> {
    const { subscriberId } = member;
    const wanted = new Map(names.map((name) => [fold(name), name]));
    const known = new Map(
      (await this.all(this.labels.manager, subscriberId)).map(({ id, name }) => [fold(name), id] as const),
    );
    if ([...wanted.keys()].some((name) => !known.has(name))) {
      const labels = await this.changing(subscriberId, async (manager) => {
        for (const { id, name } of await this.all(manager, subscriberId)) known.set(fold(name), id);
        const missing = [...wanted].filter(([folded]) => !known.has(folded));
        if (known.size + missing.length > limits.labelsPerSubscriber) throw new TooManyLabels();
        for (const [, name] of missing) {
          const id = uuid();
          const sealed = await this.sealedName(subscriberId, id, name);
          await manager.insert(Label, { subscriberId, id, ...sealed, color: null, createdAt: new Date() });
          await this.actions.record(manager, member, 'label.made', id);
        }
        return missing.length > 0 ? 'changed' : 'unchanged';
      });
      for (const { id, name } of labels) known.set(fold(name), id);
    }
    return (name) => known.get(fold(name));
  }

  /** @throws NotFound, LabelTaken */
  async change(member: MemberPrincipal, id: string, { name, color }: ChangeLabel): Promise<LabelView> {
    const { subscriberId } = member;
    const labels = await this.changing(subscriberId, async (manager) => {
      const before = (await this.all(manager, subscriberId)).find((label) => label.id === id);
      if (!before) throw new NotFound();
      if (name !== undefined) await this.requireFree(manager, subscriberId, id, name);
      const change = {
        ...(name !== undefined && name !== before.name && (await this.sealedName(subscriberId, id, name))),
        ...(color !== undefined && color !== before.color && { color }),
      };
      if (Object.keys(change).length === 0) return 'unchanged';
      await manager.update(Label, { subscriberId, id }, change);
      await this.actions.record(manager, member, 'label.changed', id);
      return 'changed';
    });
    return labels.find((label) => label.id === id)!;
  }

  /** @throws NotFound */
  async remove(member: MemberPrincipal, id: string): Promise<void> {
    const { subscriberId } = member;
    await this.changing(subscriberId, async (manager) => {
      // Its rows in contact_label go with it.
      const { affected } = await manager.delete(Label, { subscriberId, id });
      if (!affected) throw new NotFound();
      await this.actions.record(manager, member, 'label.removed', id);
      return 'changed';
    });
    this.directory.forgetLabel(subscriberId, id);
  }

  /**
   * Does one change of a subscriber's labels at a time, and tells its devices the labels as they are after it.
   * @throws LabelTaken
   */
  private async changing(
    subscriberId: string,
    work: (manager: EntityManager) => Promise<'changed' | 'unchanged'>,
  ): Promise<LabelView[]> {
    try {
      const { labels, outcome } = await this.labels.manager.transaction(async (manager) => {
        await this.subscribers.lock(manager, subscriberId);
        const outcome = await work(manager);
        return { labels: await this.all(manager, subscriberId), outcome };
      });
      if (outcome === 'changed')
        this.realtime.tell(rooms.ofSubscriber(subscriberId), 'labels.changed', { items: labels });
      return labels;
    } catch (error) {
      throw isUniqueViolation(error) ? new LabelTaken() : error;
    }
  }

  private async all(manager: EntityManager, subscriberId: string): Promise<LabelView[]> {
    const labels = await manager.findBy(Label, { subscriberId });
    const key = { scope: 'subscriber', id: subscriberId } as const;
    const views: LabelView[] = [];
    for (const { id, name, color } of labels) {
      views.push({ id, name: await this.vault.open(key, name, nameContext(subscriberId, id)), color });
    }
    return views.sort(byName);
  }

  /**
   * Compares the names themselves: the hashes of older labels were made with a narrower folding. Under the lock of the
   * subscriber's row.
   * @throws LabelTaken
   */
  private async requireFree(manager: EntityManager, subscriberId: string, id: string, name: string): Promise<void> {
    const folded = fold(name);
    const labels = await this.all(manager, subscriberId);
    if (labels.some((label) => label.id !== id && fold(label.name) === folded)) throw new LabelTaken();
  }

  private async sealedName(subscriberId: string, id: string, name: string): Promise<Pick<Label, 'name' | 'nameHash'>> {
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return {
      name: await this.vault.seal(key, name, nameContext(subscriberId, id)),
      nameHash: await this.vault.digest(key, `label_name\0${fold(name)}`),
    };
  }
}

const nameContext = (subscriberId: string, id: string) => ['label', subscriberId, id, 'name'];
const collator = new Intl.Collator('it', { sensitivity: 'base', numeric: true });

type Named = Pick<LabelView, 'name' | 'id'>;
const byName = (a: Named, b: Named) => collator.compare(a.name, b.name) || (a.id < b.id ? -1 : Number(a.id > b.id));
const positionedAt = ([name, id]: (string | number)[]): Named => ({ name: String(name), id: String(id) });

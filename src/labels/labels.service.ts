import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, QueryFailedError, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { Directory } from '../address-book/directory.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import { fold } from '../platform/folding.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { Vault } from '../platform/vault/vault.js';
import { Label } from './label.entity.js';
import type { ChangeLabel, LabelList, LabelView, NewLabel } from './labels.dto.js';
import { LabelTaken, TooManyLabels } from './labels.errors.js';

@Injectable()
export class Labels {
  constructor(
    @InjectRepository(Label) private readonly labels: Repository<Label>,
    private readonly actions: Actions,
    private readonly directory: Directory,
    private readonly realtime: Realtime,
    private readonly vault: Vault,
  ) {}

  async list({ subscriberId }: MemberPrincipal): Promise<LabelList> {
    const { manager } = this.labels;
    const labels = await this.all(manager, subscriberId);
    const counts = await manager.query<{ label_id: string; contacts: number }[]>(
      `SELECT label_id, count(*)::integer AS contacts FROM contact_label WHERE subscriber_id = $1 GROUP BY label_id`,
      [subscriberId],
    );
    const contactsOf = new Map(counts.map(({ label_id, contacts }) => [label_id, contacts]));
    return { items: labels.map((label) => ({ ...label, contacts: contactsOf.get(label.id) ?? 0 })) };
  }

  /** @throws LabelTaken, TooManyLabels */
  async create(member: MemberPrincipal, { name, color = null }: NewLabel): Promise<LabelView> {
    const { subscriberId } = member;
    const id = uuid();
    await this.changing(subscriberId, async (manager) => {
      if ((await manager.countBy(Label, { subscriberId })) >= limits.labelsPerSubscriber) throw new TooManyLabels();
      await this.requireFree(manager, subscriberId, id, name);
      const named = await this.named(subscriberId, id, name);
      await manager.insert(Label, { subscriberId, id, ...named, color, createdAt: new Date() });
      await this.actions.record(manager, member, 'label.made', id);
    });
    return { id, name, color };
  }

  /** @throws NotFound, LabelTaken */
  async change(member: MemberPrincipal, id: string, { name, color }: ChangeLabel): Promise<LabelView> {
    const { subscriberId } = member;
    const labels = await this.changing(subscriberId, async (manager) => {
      if (!(await manager.existsBy(Label, { subscriberId, id }))) throw new NotFound();
      if (name !== undefined) await this.requireFree(manager, subscriberId, id, name);
      const change = {
        ...(name !== undefined && (await this.named(subscriberId, id, name))),
        ...(color !== undefined && { color }),
      };
      if (Object.keys(change).length === 0) return;
      await manager.update(Label, { subscriberId, id }, change);
      await this.actions.record(manager, member, 'label.changed', id);
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
    });
    this.directory.forgetLabel(subscriberId, id);
  }

  /**
   * Does one change of a subscriber's labels at a time, and tells its devices the labels as they are after it.
   * @throws LabelTaken
   */
  private async changing(subscriberId: string, work: (manager: EntityManager) => Promise<void>): Promise<LabelView[]> {
    try {
      const labels = await this.labels.manager.transaction(async (manager) => {
        await manager.query('SELECT FROM subscriber WHERE subscriber_id = $1 FOR NO KEY UPDATE', [subscriberId]);
        await work(manager);
        return this.all(manager, subscriberId);
      });
      this.realtime.tell(`subscriber:${subscriberId}`, 'labels.changed', { items: labels });
      return labels;
    } catch (error) {
      const taken = error instanceof QueryFailedError && (error.driverError as { code?: string }).code === '23505';
      throw taken ? new LabelTaken() : error;
    }
  }

  private async all(manager: EntityManager, subscriberId: string): Promise<LabelView[]> {
    const labels = await manager.findBy(Label, { subscriberId });
    const key = { scope: 'subscriber', id: subscriberId } as const;
    const views: LabelView[] = [];
    for (const { id, name, color } of labels) {
      views.push({ id, name: await this.vault.open(key, name, nameContext(subscriberId, id)), color });
    }
    return views.sort((a, b) => collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
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

  private async named(subscriberId: string, id: string, name: string): Promise<Pick<Label, 'name' | 'nameHash'>> {
    const key = { scope: 'subscriber', id: subscriberId } as const;
    return {
      name: await this.vault.seal(key, name, nameContext(subscriberId, id)),
      nameHash: await this.vault.digest(key, `label_name\0${fold(name)}`),
    };
  }
}

const nameContext = (subscriberId: string, id: string) => ['label', subscriberId, id, 'name'];
const collator = new Intl.Collator('it', { sensitivity: 'base', numeric: true });

import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { MemberPrincipal } from '../auth/principal.js';
import { limits } from '../contract/limits.js';
import { openSealedPage } from '../platform/cursors.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { rooms } from '../platform/realtime/rooms.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import {
  type ChangeQuickReply,
  ListQuickReplies,
  type NewQuickReply,
  type QuickReplyList,
  type QuickReplyView,
} from './quick-replies.dto.js';
import { TooManyQuickReplies } from './quick-replies.errors.js';
import { QuickReply } from './quick-reply.entity.js';

/** Texts that members send often, with fields that a client fills in. */
@Injectable()
export class QuickReplies {
  constructor(
    @InjectRepository(QuickReply) private readonly replies: Repository<QuickReply>,
    private readonly realtime: Realtime,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {}

  async list({ subscriberId }: MemberPrincipal, wanted: ListQuickReplies): Promise<QuickReplyList> {
    // Positions are titles, which cursors hold sealed.
    const sealed = { vault: this.vault, key: keyOf(subscriberId) };
    const { ask, position, next } = await openSealedPage(ListQuickReplies, wanted, sealed);
    const found = await this.replies.findBy({ subscriberId });
    const all = await Promise.all(found.map(async (reply) => ({ reply, ...(await this.titled(reply)) })));
    const rest = all.sort(byTitle).filter((each) => !position || byTitle(each, positionedAt(position)) > 0);
    const page = rest.slice(0, ask.limit);
    const items = await Promise.all(page.map(({ reply }) => this.view(reply)));
    const last = page.at(-1);
    return { items, nextCursor: last && rest.length > ask.limit ? await next([last.title, last.id]) : null };
  }

  /** @throws TooManyQuickReplies */
  async create({ subscriberId }: MemberPrincipal, { title, text }: NewQuickReply): Promise<QuickReplyView> {
    const id = uuid();
    await this.changing(subscriberId, id, async (manager) => {
      const count = await manager.countBy(QuickReply, { subscriberId });
      if (count >= limits.quickRepliesPerSubscriber) throw new TooManyQuickReplies();
      const sealed = await this.sealed(subscriberId, id, { title, text });
      await manager.insert(QuickReply, { subscriberId, id, ...sealed, createdAt: new Date() });
    });
    return { id, title, text };
  }

  /** @throws NotFound */
  change({ subscriberId }: MemberPrincipal, id: string, change: ChangeQuickReply): Promise<QuickReplyView> {
    return this.changing(subscriberId, id, async (manager) => {
      const reply = await manager.findOneBy(QuickReply, { subscriberId, id });
      if (!reply) throw new NotFound();
      const before = await this.view(reply);
      const { title = before.title, text = before.text } = change;
      const sealed = await this.sealed(subscriberId, id, { title, text });
      await manager.update(QuickReply, { subscriberId, id }, sealed);
      return { id, title, text };
    });
  }

  /** @throws NotFound */
  async remove({ subscriberId }: MemberPrincipal, id: string): Promise<void> {
    await this.changing(subscriberId, id, async (manager) => {
      const { affected } = await manager.delete(QuickReply, { subscriberId, id });
      if (!affected) throw new NotFound();
    });
  }

  /** Does one change of a subscriber's quick replies at a time, and tells its devices which one it is about. */
  private async changing<Made>(
    subscriberId: string,
    id: string,
    work: (manager: EntityManager) => Promise<Made>,
  ): Promise<Made> {
    const made = await this.replies.manager.transaction(async (manager) => {
      await this.subscribers.lock(manager, subscriberId);
      return work(manager);
    });
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'quick-replies.changed', { id });
    return made;
  }

  private async view(reply: QuickReply): Promise<QuickReplyView> {
    const { subscriberId, id } = reply;
    const text = await this.vault.open(keyOf(subscriberId), reply.text, contextOf(subscriberId, id, 'text'));
    return { ...(await this.titled(reply)), text };
  }

  private async titled({ subscriberId, id, title }: QuickReply): Promise<Titled> {
    return { id, title: await this.vault.open(keyOf(subscriberId), title, contextOf(subscriberId, id, 'title')) };
  }

  private async sealed(
    subscriberId: string,
    id: string,
    { title, text }: NewQuickReply,
  ): Promise<Pick<QuickReply, 'title' | 'text'>> {
    const key = keyOf(subscriberId);
    return {
      title: await this.vault.seal(key, title, contextOf(subscriberId, id, 'title')),
      text: await this.vault.seal(key, text, contextOf(subscriberId, id, 'text')),
    };
  }
}

const keyOf = (subscriberId: string) => ({ scope: 'subscriber', id: subscriberId }) as const;
const contextOf = (subscriberId: string, id: string, column: 'title' | 'text') => [
  ...['quick_reply', subscriberId, id, column],
];
const collator = new Intl.Collator('it', { sensitivity: 'base', numeric: true });

type Titled = Pick<QuickReplyView, 'id' | 'title'>;
const byTitle = (a: Titled, b: Titled) =>
  collator.compare(a.title, b.title) || (a.id < b.id ? -1 : Number(a.id > b.id));
const positionedAt = ([title, id]: (string | number)[]): Titled => ({ title: String(title), id: String(id) });

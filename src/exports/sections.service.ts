import { Injectable } from '@nestjs/common';
import { NIL } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { ListActions } from '../actions/actions.dto.js';
import { ContactExport } from '../address-book/contact-export.service.js';
import { Contacts } from '../address-book/contacts.service.js';
import { AccountLog } from '../auth/account-log.service.js';
import { type InterlocutorPrincipal, isMember, type MemberPrincipal, type Principal } from '../auth/principal.js';
import { ListSessions } from '../auth/sessions.dto.js';
import { Sessions } from '../auth/sessions.service.js';
import { ListBroadcasts, ListRecipients } from '../broadcasts/broadcasts.dto.js';
import { Broadcasts } from '../broadcasts/broadcasts.service.js';
import type { Consent } from '../consents/consent.entity.js';
import { consentView, type NamedConsent } from '../consents/consent-view.js';
import { ListConsents } from '../consents/consents.dto.js';
import { Consents } from '../consents/consents.service.js';
import type { AttachmentView } from '../contract/attachments.js';
import type { Locale } from '../contract/common.js';
import type { Counterpart } from '../contract/events.js';
import { limits } from '../contract/limits.js';
import { ListImports } from '../imports/imports.dto.js';
import { Imports } from '../imports/imports.service.js';
import { ListInvitations } from '../invitations/invitations.dto.js';
import { Invitations } from '../invitations/invitations.service.js';
import { ListQuickReplies } from '../quick-replies/quick-replies.dto.js';
import { QuickReplies } from '../quick-replies/quick-replies.service.js';
import { ListLabels } from '../labels/labels.dto.js';
import { Labels } from '../labels/labels.service.js';
import { ListMembers } from '../members/members.dto.js';
import { Members } from '../members/members.service.js';
import type { Page } from '../platform/validation/page.dto.js';
import { Profiles } from '../profiles/profiles.service.js';
import { NotificationPreferences } from '../push/notification-preferences.service.js';
import { RightsRequests } from '../rights/requests.service.js';
import { ListRequests } from '../rights/rights.dto.js';
import { businessCounterpart } from '../subscribers/subscriber-view.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { UnreadMails } from '../unread-mails/unread-mails.service.js';
import type { ExportedRecord } from './record-page.js';

/** Records of one kind in an export; they are read again for each output format. */
export interface Section {
  /** Name of its files, without an ending. */
  name: string;
  title: Record<Locale, string>;
  pages: () => AsyncGenerator<ExportedRecord[], void, undefined>;
}

/** Places in the zip of the files of broadcasts, by the ids of these files. */
export type FilePlaces = Map<string, string>;

const { pageMax } = limits;

/**
 * Everything that an account may have of itself, by the same ways by which the API gives it. Pages are read one at a time,
 * so an export of any size fits into memory.
 */
@Injectable()
export class Sections {
  constructor(
    private readonly accountLog: AccountLog,
    private readonly actions: Actions,
    private readonly broadcasts: Broadcasts,
    private readonly consents: Consents,
    private readonly contactExport: ContactExport,
    private readonly contacts: Contacts,
    private readonly imports: Imports,
    private readonly invitations: Invitations,
    private readonly labels: Labels,
    private readonly quickReplies: QuickReplies,
    private readonly members: Members,
    private readonly preferences: NotificationPreferences,
    private readonly profiles: Profiles,
    private readonly requests: RightsRequests,
    private readonly sessions: Sessions,
    private readonly subscribers: Subscribers,
    private readonly unreadMails: UnreadMails,
  ) {}

  /**
   * @param places filled with the files of broadcasts while a member's section of broadcasts is read
   * @param contactId restricts an interlocutor's export to one business
   */
  of(principal: Principal, places: FilePlaces, contactId?: string): Section[] {
    return isMember(principal) ? this.ofSubscriber(principal, places) : this.ofInterlocutor(principal, contactId);
  }

  private ofInterlocutor(principal: InterlocutorPrincipal, contactId: string | undefined): Section[] {
    const own = () => this.ownConsents(principal, contactId);
    return [
      this.profile(principal),
      this.devices(principal),
      this.notifications(principal),
      section('about-you', ['Su di te', 'About you'], () => this.aboutYou(principal, contactId)),
      section('consents', ['Consensi e accettazioni', 'Consents and acceptances'], () => this.consentRecords(own())),
      section('texts', ['Testi accettati', 'Accepted texts'], () => this.textRecords(own())),
      this.requestsOf(principal, contactId),
      section('actions', ['Operazioni che ti riguardano', 'Actions about you'], () =>
        this.actionsAbout(principal, contactId),
      ),
      section('activity', ['Attività del tuo account', 'Activity of your account'], () =>
        this.activityOf(principal, contactId),
      ),
    ];
  }

  private ofSubscriber(member: MemberPrincipal, places: FilePlaces): Section[] {
    const { subscriberId } = member;
    const own = () => this.ownConsents(member);
    const given = () => this.consentsOfContacts(subscriberId);
    const both = async function* () {
      yield* own();
      yield* given();
    };
    return [
      this.profile(member),
      section('members', ['Collaboratori', 'Members'], () =>
        paged(ListMembers, (ask) => this.members.list(member, ask)),
      ),
      this.devices(member),
      this.notifications(member),
      section('labels', ['Etichette', 'Labels'], () => paged(ListLabels, (ask) => this.labels.list(member, ask))),
      section('quick-replies', ['Risposte rapide', 'Quick replies'], () =>
        paged(ListQuickReplies, (ask) => this.quickReplies.list(member, ask)),
      ),
      section('contacts', ['Rubrica', 'Address book'], () => records(this.contactExport.rows(member))),
      section('broadcasts', ['Comunicazioni', 'Broadcasts'], () => this.broadcastsOf(member, places)),
      section('broadcast-recipients', ['Destinatari delle comunicazioni', 'Recipients of broadcasts'], () =>
        this.recipientsOf(member),
      ),
      section('invitations', ['Inviti', 'Invitations'], () =>
        paged(ListInvitations, (ask) => this.invitations.list(member, ask)),
      ),
      section('imports', ['Importazioni', 'Imports'], () =>
        paged(ListImports, (ask) => this.imports.list(member, ask)),
      ),
      section('consents', ['Accettazioni dell’attività', 'Acceptances of the business'], () =>
        this.consentRecords(own()),
      ),
      section('contact-consents', ['Consensi dei contatti', 'Consents of contacts'], () =>
        this.consentRecords(given()),
      ),
      section('texts', ['Testi accettati', 'Accepted texts'], () => this.textRecords(both())),
      this.requestsOf(member),
      section('actions', ['Registro delle operazioni', 'Audit log'], () =>
        paged(ListActions, (ask) => this.actions.list(member, ask)),
      ),
    ];
  }

  private profile(principal: Principal): Section {
    const { profiles, unreadMails } = this;
    return section('profile', ['Profilo', 'Profile'], async function* () {
      yield [{ ...(await profiles.of(principal)), ...(await unreadMails.settingsOf(principal.accountId)) }];
    });
  }

  private notifications(principal: Principal): Section {
    const preferences = this.preferences;
    return section('notifications', ['Notifiche', 'Notifications'], async function* () {
      yield [{ ...(await preferences.read(principal)) }];
    });
  }

  private devices(principal: Principal): Section {
    return section('devices', ['Dispositivi collegati', 'Signed-in devices'], () =>
      mapped(
        paged(ListSessions, (ask) => this.sessions.list(principal, ask)),
        // No device reads an export at the moment when it is made.
        ({ current: _, ...device }) => device,
      ),
    );
  }

  private requestsOf(principal: Principal, contactId?: string): Section {
    return section('requests', ['Richieste sui dati', 'Requests about data'], () =>
      paged(ListRequests, (ask) => this.requests.list(principal, ask), contactId === undefined ? {} : { contactId }),
    );
  }

  /** Data that each business has added about the person: all that its members see, but not that others share the address. */
  private async *aboutYou(principal: InterlocutorPrincipal, contactId: string | undefined): Pages {
    for (const { id, subscriberId } of await this.contactsOf(principal, contactId)) {
      const { addressShared: _, ...contact } = await this.contacts.get({ subscriberId }, id);
      const names = await this.labels.names(subscriberId);
      const business = await this.businessOf(subscriberId, id);
      yield [{ business, ...contact, labels: contact.labels.flatMap((label) => names.get(label) ?? []).sort() }];
    }
  }

  private async *actionsAbout(principal: InterlocutorPrincipal, contactId: string | undefined): Pages {
    for (const { id, subscriberId } of await this.contactsOf(principal, contactId)) {
      const { businessName } = await this.subscribers.get(subscriberId);
      let after: string = NIL;
      for (;;) {
        const actions = await this.actions.about(subscriberId, id, { after, limit: pageMax });
        yield actions.map((action) => ({ businessName, ...action }));
        if (actions.length < pageMax) break;
        after = actions.at(-1)!.id;
      }
    }
  }

  /** The log of the account; for a copy about one contact only what concerns it. */
  private async *activityOf(principal: InterlocutorPrincipal, contactId: string | undefined): Pages {
    let after: string = NIL;
    for (;;) {
      const events = await this.accountLog.page(principal, { after, limit: pageMax });
      const wanted = events.filter(({ subjectId }) => contactId === undefined || subjectId === contactId);
      yield wanted.map((event) => ({ ...event }));
      if (events.length < pageMax) break;
      after = events.at(-1)!.id;
    }
  }

  private async contactsOf({ interlocutorId }: InterlocutorPrincipal, contactId: string | undefined) {
    const contacts = await this.contacts.allOfInterlocutor(interlocutorId);
    return contacts
      .filter(({ id }) => contactId === undefined || id === contactId)
      .sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  private async businessOf(subscriberId: string, contactId: string): Promise<Counterpart> {
    const subscriber = await this.subscribers.get(subscriberId);
    const hasLogo = await this.subscribers.hasLogo(subscriberId);
    return businessCounterpart(subscriber, hasLogo ? `/api/conversations/${contactId}/logo` : null);
  }

  private async *ownConsents(
    principal: Principal,
    contactId?: string,
  ): AsyncGenerator<NamedConsent[], void, undefined> {
    let cursor: string | null = null;
    do {
      const ask = Object.assign(new ListConsents(), { limit: pageMax, ...(cursor !== null && { cursor }) });
      const page = await this.consents.list(principal, ask);
      yield page.consents.filter(({ consent }) => contactId === undefined || consent.contactId === contactId);
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  private async *consentsOfContacts(subscriberId: string): AsyncGenerator<NamedConsent[], void, undefined> {
    let after: string = NIL;
    for (;;) {
      const page = await this.consents.ofContacts(subscriberId, after, pageMax);
      yield page;
      if (page.length < pageMax) return;
      after = page.at(-1)!.consent.id;
    }
  }

  /** Consents as the API gives them, with the words at the checkbox as they were shown. */
  private async *consentRecords(pages: AsyncIterable<NamedConsent[]>): Pages {
    for await (const page of pages) {
      const texts = await this.consents.shownTexts(page.map(({ consent }) => consent));
      yield page.map((named) => ({ ...consentView(named), words: texts.get(hex(named.consent.wordsSha256)) ?? null }));
    }
  }

  /** The texts as they were shown, each once. */
  private async *textRecords(pages: AsyncIterable<NamedConsent[]>): Pages {
    const told = new Set<string>();
    for await (const page of pages) {
      const fresh: Consent[] = [];
      for (const { consent } of page) {
        const hash = hex(consent.textSha256);
        if (!told.has(hash)) fresh.push(consent);
        told.add(hash);
      }
      const texts = await this.consents.shownTexts(fresh);
      yield fresh.map(({ purpose, policyId, policyVersion, locale, textSha256 }) => {
        const sha256 = hex(textSha256);
        return { sha256, purpose, policyId, policyVersion, locale, text: texts.get(sha256) ?? null };
      });
    }
  }

  private async *broadcastsOf(member: MemberPrincipal, places: FilePlaces): Pages {
    for await (const page of paged(ListBroadcasts, (ask) => this.broadcasts.list(member, ask))) {
      const views = await Promise.all(page.map(({ id }) => this.broadcasts.get(member, id)));
      yield views.map(({ attachments, ...broadcast }) => ({
        ...broadcast,
        attachments: attachments.map((file: AttachmentView) => ({ ...file, file: places.get(file.id) ?? null })),
      }));
    }
  }

  private async *recipientsOf(member: MemberPrincipal): Pages {
    for await (const page of paged(ListBroadcasts, (ask) => this.broadcasts.list(member, ask))) {
      for (const { id: broadcastId } of page) {
        const recipients = paged(ListRecipients, (ask) => this.broadcasts.recipients(member, broadcastId, ask));
        yield* mapped(recipients, (recipient) => ({ broadcastId, ...recipient }));
      }
    }
  }
}

type Pages = AsyncGenerator<ExportedRecord[], void, undefined>;

function section(name: string, [it, en]: [it: string, en: string], pages: Section['pages']): Section {
  return { name, title: { it, en }, pages };
}

/** Every page of a list of the API. */
export async function* paged<Ask extends Page, Item extends object>(
  shape: new () => Ask,
  list: (ask: Ask) => Promise<{ items: Item[]; nextCursor: string | null }>,
  filters: Partial<Ask> = {},
): AsyncGenerator<(Item & ExportedRecord)[], void, undefined> {
  let cursor: string | null = null;
  do {
    const ask = Object.assign(new shape(), filters, { limit: pageMax }, cursor === null ? {} : { cursor });
    const page = await list(ask);
    yield page.items as (Item & ExportedRecord)[];
    cursor = page.nextCursor;
  } while (cursor !== null);
}

async function* mapped<Item>(pages: AsyncIterable<Item[]>, change: (item: Item) => ExportedRecord): Pages {
  for await (const page of pages) yield page.map(change);
}

const records = (pages: AsyncIterable<object[]>) => mapped(pages, (each) => ({ ...each }));

const hex = (hash: Buffer) => hash.toString('hex');

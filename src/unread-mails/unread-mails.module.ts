import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ChangeFeedModule } from '../change-feed/change-feed.module.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import type { Forget } from '../platform/forgetting/holdings.js';
import { MailSettingsController } from './mail-settings.controller.js';
import { MailStopsController } from './mail-stops.controller.js';
import { MailStops } from './mail-stops.service.js';
import { forgetPlacesQuery } from './unread-mails.queries.js';
import { UnreadMails } from './unread-mails.service.js';

@Module({
  imports: [AuthModule, ChangeFeedModule],
  controllers: [MailSettingsController, MailStopsController],
  providers: [MailStops, UnreadMails],
  exports: [UnreadMails],
})
export class UnreadMailsModule {
  constructor(changes: ChangeFeed, forgetting: Forgetting, mails: UnreadMails) {
    forgetting.register(
      { table: 'unread_mail', interlocutor: ofInterlocutors, subscriber: ofMembers, before: ['account'] },
      { table: 'unread_broadcast', contact: forgetPlaces },
    );
    changes.consume(mails);
  }
}

const forgetPlaces: Forget = async (manager, { subscriberId, ids }) => {
  await manager.query(forgetPlacesQuery, [subscriberId, ids]);
  return { counts: {}, more: false };
};

const ofInterlocutors: Forget = async (manager, { accountIds = [] }) => {
  await manager.query('DELETE FROM unread_mail WHERE account_id = ANY ($1::uuid[])', [accountIds]);
  return { counts: {}, more: false };
};

const ofMembers: Forget = async (manager, { ids }) => {
  await manager.query(
    'DELETE FROM unread_mail WHERE account_id IN (SELECT id FROM account WHERE subscriber_id = ANY ($1::uuid[]))',
    [ids],
  );
  return { counts: {}, more: false };
};

import { Module } from '@nestjs/common';
import { ActionsModule } from '../actions/actions.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { ErasuresModule } from '../erasures/erasures.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { ProfilesModule } from '../profiles/profiles.module.js';
import { RightsModule } from '../rights/rights.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { AccountsAlone } from './accounts-alone.service.js';
import { Closings } from './closings.service.js';
import { DeletionRequestsController } from './deletion-requests.controller.js';
import { DeletionRequests } from './deletion-requests.service.js';
import { Pauses } from './pauses.service.js';
import { StandingController } from './standing.controller.js';
import { UnusedAccounts } from './unused-accounts.service.js';

/** Going away: deletion requests of people, pauses and closings of businesses, and accounts that nobody uses. */
@Module({
  imports: [
    ActionsModule,
    AuthModule,
    ConsentsModule,
    ConversationsModule,
    ErasuresModule,
    InterlocutorsModule,
    ProfilesModule,
    RightsModule,
    SubscribersModule,
  ],
  controllers: [DeletionRequestsController, StandingController],
  providers: [AccountsAlone, Closings, DeletionRequests, Pauses, UnusedAccounts],
  exports: [AccountsAlone, Closings, DeletionRequests, UnusedAccounts],
})
export class LeavingModule {}

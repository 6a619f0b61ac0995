import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { InvitationsModule } from '../invitations/invitations.module.js';
import { LabelsModule } from '../labels/labels.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { Import, ImportChunk, ImportLine } from './import.entity.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { ImportsController } from './imports.controller.js';
import { Imports } from './imports.service.js';
import { LettersController } from './letters.controller.js';
import { PrintedLetters } from './printed-letters.js';
import { ImportTurns } from './turns.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([Import, ImportChunk, ImportLine]),
    ActionsModule,
    AddressBookModule,
    AuthModule,
    ConsentsModule,
    InvitationsModule,
    LabelsModule,
    SubscribersModule,
  ],
  controllers: [ImportsController, LettersController],
  providers: [Imports, ImportTurns, PrintedLetters],
  exports: [Imports],
})
export class ImportsModule {
  constructor(forgetting: Forgetting, imports: Imports) {
    forgetting.register(
      { table: 'import' },
      {
        table: 'import_chunk',
        contact: (manager, gone) => imports.forgetWaiting(manager, gone),
        // A line that is dealt with meanwhile has made an invitation.
        before: ['invitation'],
      },
      {
        table: 'import_line',
        kind: 'import_lines',
        contact: (manager, gone) => imports.forgetLines(manager, gone),
        before: ['invitation'],
      },
    );
  }
}

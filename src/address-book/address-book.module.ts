import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AccountHolders } from '../auth/account-holders.service.js';
import { AuthModule } from '../auth/auth.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { AddressHashing } from './address-hashing.service.js';
import { ContactExportController } from './contact-export.controller.js';
import { ContactExport } from './contact-export.service.js';
import { Contact } from './contact.entity.js';
import { ContactsController } from './contacts.controller.js';
import { Contacts } from './contacts.service.js';
import { Directory } from './directory.js';

@Module({
  imports: [TypeOrmModule.forFeature([Contact]), ActionsModule, AuthModule, InterlocutorsModule],
  // The export comes first: `contacts/:id` would answer for `contacts/export`.
  controllers: [ContactExportController, ContactsController],
  providers: [AddressHashing, ContactExport, Contacts, Directory],
  exports: [ContactExport, Contacts, Directory],
})
export class AddressBookModule {
  constructor(contacts: Contacts, holders: AccountHolders) {
    holders.onConfirmation('interlocutor', async (manager, { id }) => {
      const verified = await contacts.setEmailVerified(manager, id, true);
      return () => contacts.tellOf(verified);
    });
  }
}

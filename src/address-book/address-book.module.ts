import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import type { Forget } from '../platform/forgetting/holdings.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
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
  constructor(contacts: Contacts, holders: AccountHolders, forgetting: Forgetting) {
    forgetting.register(
      {
        table: 'contact',
        contact: forgetContacts,
        subscriber: { kept: 'contacts go by erasures of their own' },
        atOnce: true,
      },
      { table: 'contact_label', kind: 'labels', contact: 'contact_id', atOnce: true },
      { table: 'contact_root', contact: 'id' },
    );
    holders.onConfirmation('interlocutor', async (manager, { id }) => {
      const verified = await contacts.setEmailVerified(manager, id, true);
      return () => contacts.tellOf(verified);
    });
  }
}

const forgetContacts: Forget = async (manager, { subscriberId, ids }) => {
  const rows = await manager.query<{ noted: boolean }[]>(
    `WITH gone AS (DELETE FROM contact WHERE subscriber_id = $1 AND id = ANY ($2::uuid[]) RETURNING note)
     SELECT note IS NOT NULL AS noted FROM gone`,
    [subscriberId, ids],
  );
  return { counts: { contacts: rows.length, notes: rows.filter(({ noted }) => noted).length }, more: false };
};

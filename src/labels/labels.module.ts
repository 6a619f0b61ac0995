import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ActionsModule } from '../actions/actions.module.js';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { ContactExport } from '../address-book/contact-export.service.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { Label } from './label.entity.js';
import { LabelsController } from './labels.controller.js';
import { Labels } from './labels.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Label]), ActionsModule, AddressBookModule, SubscribersModule],
  controllers: [LabelsController],
  providers: [Labels],
  exports: [Labels],
})
export class LabelsModule {
  constructor(contactExport: ContactExport, labels: Labels, forgetting: Forgetting) {
    forgetting.register({ table: 'label' });
    contactExport.nameLabelsBy((subscriberId) => labels.names(subscriberId));
  }
}

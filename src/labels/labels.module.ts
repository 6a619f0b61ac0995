import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AddressBookModule } from '../address-book/address-book.module.js';
import { Label } from './label.entity.js';
import { LabelsController } from './labels.controller.js';
import { Labels } from './labels.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Label]), AddressBookModule],
  controllers: [LabelsController],
  providers: [Labels],
  exports: [Labels],
})
export class LabelsModule {}

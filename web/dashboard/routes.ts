import { Router } from '../router.svelte.js';
import type { Screen } from '../screen.js';

/** One screen for both of its addresses, so that the list stays as it is while conversations change. */
const conversations: Screen = {
  load: () => import('./conversations/Conversations.svelte'),
  for: 'signed-in',
};

/** Likewise: the list stays as it is while contacts are opened beside it. */
const addressBook: Screen = {
  load: () => import('./address-book/AddressBook.svelte'),
  for: 'signed-in',
};
/** The copy of everything, pause and closing: also where mails lead to. */
const data: Screen = { load: () => import('./settings/Data.svelte'), for: 'signed-in' };
/** Requests about data, and the one that a mail leads to. */
const requests: Screen = { load: () => import('./requests/Requests.svelte'), for: 'signed-in' };

/** Every screen of the dashboard, and the only place for addresses. */
export const router = new Router<Screen>(
  '/',
  [
    { path: '/', screen: conversations },
    { path: '/address-book', screen: addressBook },
    { path: '/address-book/import', screen: { load: () => import('./address-book/Import.svelte'), for: 'signed-in' } },
    {
      path: '/address-book/import/:id',
      screen: { load: () => import('./address-book/ImportReport.svelte'), for: 'signed-in' },
    },
    {
      path: '/address-book/invited',
      screen: { load: () => import('./address-book/Invited.svelte'), for: 'signed-in' },
    },
    { path: '/address-book/labels', screen: { load: () => import('./address-book/Labels.svelte'), for: 'signed-in' } },
    { path: '/address-book/:id', screen: addressBook },
    {
      path: '/address-book/:id/proof',
      screen: { load: () => import('./address-book/Proof.svelte'), for: 'signed-in', bare: true },
    },
    { path: '/archive', screen: { load: () => import('./archive/Archive.svelte'), for: 'signed-in' } },
    { path: '/broadcasts', screen: { load: () => import('./broadcasts/Broadcasts.svelte'), for: 'signed-in' } },
    { path: '/broadcasts/new', screen: { load: () => import('./broadcasts/New.svelte'), for: 'signed-in' } },
    { path: '/broadcasts/:id', screen: { load: () => import('./broadcasts/Results.svelte'), for: 'signed-in' } },
    { path: '/broadcasts/:id/edit', screen: { load: () => import('./broadcasts/Edit.svelte'), for: 'signed-in' } },
    { path: '/conversations/:id', screen: conversations },
    { path: '/cookies', screen: { load: () => import('./trust/PublicCookies.svelte'), for: 'everybody', bare: true } },
    { path: '/erase', screen: { load: () => import('./erasing/Erase.svelte'), for: 'signed-in' } },
    { path: '/erasures', screen: { load: () => import('./erasing/Erasures.svelte'), for: 'signed-in' } },
    { path: '/erasures/:id', screen: { load: () => import('./erasing/Erasure.svelte'), for: 'signed-in' } },
    { path: '/exports/:id', screen: data },
    { path: '/invite', screen: { load: () => import('./invite/Invite.svelte'), for: 'signed-in' } },
    {
      path: '/invite/:id/poster',
      screen: { load: () => import('./invite/Poster.svelte'), for: 'signed-in', bare: true },
    },
    {
      path: '/mail-stop/:token',
      screen: { load: () => import('./entry/StopMails.svelte'), for: 'everybody', bare: true },
    },
    { path: '/members/:code', screen: { load: () => import('./entry/JoinTeam.svelte'), for: 'everybody', bare: true } },
    { path: '/more', screen: { load: () => import('./More.svelte'), for: 'signed-in' } },
    { path: '/register', screen: { load: () => import('./entry/Register.svelte'), for: 'signed-out', bare: true } },
    { path: '/requests', screen: requests },
    { path: '/requests/:id', screen: requests },
    { path: '/reset', screen: { load: () => import('./entry/AskReset.svelte'), for: 'everybody', bare: true } },
    {
      path: '/reset/:token',
      screen: { load: () => import('./entry/NewPassword.svelte'), for: 'everybody', bare: true },
    },
    { path: '/settings', screen: { load: () => import('./settings/Settings.svelte'), for: 'signed-in' } },
    { path: '/settings/activity', screen: { load: () => import('./settings/Activity.svelte'), for: 'signed-in' } },
    { path: '/settings/agreed', screen: { load: () => import('./settings/Agreed.svelte'), for: 'signed-in' } },
    { path: '/settings/appearance', screen: { load: () => import('./settings/Appearance.svelte'), for: 'signed-in' } },
    { path: '/settings/business', screen: { load: () => import('./settings/Business.svelte'), for: 'signed-in' } },
    { path: '/settings/closing', screen: data },
    { path: '/settings/cookies', screen: { load: () => import('./settings/Cookies.svelte'), for: 'signed-in' } },
    { path: '/settings/data', screen: data },
    { path: '/settings/devices', screen: { load: () => import('./settings/Devices.svelte'), for: 'signed-in' } },
    {
      path: '/settings/figures',
      screen: { load: () => import('./settings/Figures.svelte'), for: 'signed-in', bare: true },
    },
    { path: '/settings/leave', screen: data },
    {
      path: '/settings/notifications',
      screen: { load: () => import('./settings/Notifications.svelte'), for: 'signed-in' },
    },
    { path: '/settings/profile', screen: { load: () => import('./settings/Profile.svelte'), for: 'signed-in' } },
    {
      path: '/settings/quick-replies',
      screen: { load: () => import('./settings/QuickReplies.svelte'), for: 'signed-in' },
    },
    { path: '/settings/receipts', screen: { load: () => import('./settings/Receipts.svelte'), for: 'signed-in' } },
    { path: '/settings/retention', screen: { load: () => import('./settings/Retention.svelte'), for: 'signed-in' } },
    { path: '/settings/storage', screen: { load: () => import('./settings/Storage.svelte'), for: 'signed-in' } },
    { path: '/settings/team', screen: { load: () => import('./settings/Team.svelte'), for: 'signed-in' } },
    {
      path: '/settings/who-can-read',
      screen: { load: () => import('./settings/WhoCanRead.svelte'), for: 'signed-in' },
    },
    { path: '/sign-in', screen: { load: () => import('./SignIn.svelte'), for: 'signed-out', bare: true } },
    { path: '/verify/:token', screen: { load: () => import('./entry/Verify.svelte'), for: 'everybody', bare: true } },
    { path: '/welcome', screen: { load: () => import('./welcome/Welcome.svelte'), for: 'signed-in' } },
    {
      path: '/who-can-read',
      screen: { load: () => import('./trust/PublicWhoCanRead.svelte'), for: 'everybody', bare: true },
    },
  ],
  ['/api', '/app', '/join', '/socket.io'],
);

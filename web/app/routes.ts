import { Router } from '../router.svelte.js';
import type { Screen } from '../screen.js';

/** Every screen of the app. Addresses stand here alone. */
export const router = new Router<Screen>('/app', [
  { path: '/app', screen: { for: 'signed-in', load: () => import('./Conversations.svelte') } },
  { path: '/app/c/:id', screen: { for: 'signed-in', bare: true, load: () => import('./Conversation.svelte') } },
  { path: '/app/cookies', screen: { for: 'everybody', bare: true, load: () => import('./CookiesPage.svelte') } },
  { path: '/app/devices', screen: { for: 'signed-in', load: () => import('./Devices.svelte') } },
  { path: '/app/diagnostics', screen: { for: 'everybody', bare: true, load: () => import('./Diagnostics.svelte') } },
  { path: '/app/help', screen: { for: 'signed-in', load: () => import('./Help.svelte') } },
  { path: '/app/install', screen: { for: 'signed-in', load: () => import('./Install.svelte') } },
  { path: '/app/join/:code', screen: { for: 'everybody', bare: true, load: () => import('./joining/Join.svelte') } },
  {
    path: '/app/join/:code/stop',
    screen: { for: 'everybody', bare: true, load: () => import('./joining/Stop.svelte') },
  },
  {
    path: '/app/mail-stop/:token',
    screen: { for: 'everybody', bare: true, load: () => import('./StopMailsPage.svelte') },
  },
  { path: '/app/more', screen: { for: 'signed-in', load: () => import('./More.svelte') } },
  { path: '/app/notifications', screen: { for: 'signed-in', load: () => import('./Notifications.svelte') } },
  { path: '/app/privacy', screen: { for: 'signed-in', load: () => import('./privacy/Privacy.svelte') } },
  { path: '/app/privacy/agreed', screen: { for: 'signed-in', load: () => import('./privacy/Choose.svelte') } },
  { path: '/app/privacy/agreed/:id', screen: { for: 'signed-in', load: () => import('./privacy/Agreed.svelte') } },
  { path: '/app/privacy/copy', screen: { for: 'signed-in', load: () => import('./privacy/Copy.svelte') } },
  { path: '/app/privacy/exports', screen: { for: 'signed-in', load: () => import('./privacy/Copy.svelte') } },
  { path: '/app/privacy/leave', screen: { for: 'signed-in', load: () => import('./privacy/Choose.svelte') } },
  {
    path: '/app/privacy/leave/:id',
    screen: { for: 'signed-in', bare: true, load: () => import('./privacy/Leave.svelte') },
  },
  { path: '/app/privacy/mine', screen: { for: 'signed-in', load: () => import('./privacy/Mine.svelte') } },
  {
    path: '/app/privacy/policy/:id',
    screen: { for: 'signed-in', bare: true, load: () => import('./privacy/Policy.svelte') },
  },
  { path: '/app/privacy/requests', screen: { for: 'signed-in', load: () => import('./privacy/Requests.svelte') } },
  { path: '/app/reset', screen: { for: 'everybody', bare: true, load: () => import('./Reset.svelte') } },
  { path: '/app/reset/:token', screen: { for: 'everybody', bare: true, load: () => import('./Reset.svelte') } },
  { path: '/app/search', screen: { for: 'signed-in', bare: true, load: () => import('./Search.svelte') } },
  { path: '/app/sign-in', screen: { for: 'signed-out', bare: true, load: () => import('./SignIn.svelte') } },
  { path: '/app/stop/:code', screen: { for: 'everybody', bare: true, load: () => import('./joining/Stop.svelte') } },
  { path: '/app/verify/:token', screen: { for: 'everybody', bare: true, load: () => import('./Verify.svelte') } },
  {
    path: '/app/who-can-read',
    screen: { for: 'everybody', bare: true, load: () => import('./WhoCanReadPage.svelte') },
  },
]);

/** Where a request came from: kept with sessions, attempts and audit events. */
export type Channel = 'web' | 'app' | 'wechat' | 'kiosk' | 'hall' | 'hotline' | 'upstream';

export interface RequestOrigin {
  /** Request id (UUID); the reference id shown on error pages and written in every log line. */
  readonly requestId: string;
  /** Peer address after trusted proxies, IPv4 or IPv6 text; IPv4-mapped IPv6 is written as IPv4. */
  readonly address: string;
  /** The User-Agent header, at most 256 characters, control characters removed; '' when absent. */
  readonly userAgent: string;
  readonly channel: Channel;
}

/** Origin of what the server or an operator's command does by itself. */
export const systemOrigin: RequestOrigin = {
  requestId: '00000000-0000-0000-0000-000000000000',
  address: '',
  userAgent: '',
  channel: 'web',
};

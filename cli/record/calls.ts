import type { BrokerApi } from '../broker-api.ts'

/** What reading the record needs of a broker. */
export type BrokerCalls = Pick<BrokerApi, 'request' | 'stream'>

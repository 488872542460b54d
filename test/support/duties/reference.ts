import type { Need } from '../../../broker/store/store.ts'
import type { Account, Organisation, Rule } from './organisation.ts'

/**
 * The rule once more, as one would explain it to a person, and slowly: persons by walking from account to
 * account, quorums by trying every seat. Shares nothing with the broker's code.
 */

export interface Token {
  readonly account: number
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly issuedAt: number
}

interface Made {
  readonly account: number
  readonly verdict: 'approve' | 'reject'
  readonly groups: readonly string[]
}

export interface Asked {
  readonly by: number
  readonly rule: Rule
  readonly groups: readonly string[]
  readonly decisions: Made[]
  state: string
  until: number
}

const MINUTE = 60_000

export class Reference {
  readonly #accounts: readonly Account[]
  readonly #met = new Map<number, readonly string[]>()

  constructor({ accounts }: Organisation) {
    this.#accounts = accounts
  }

  meet({ account, groups }: Token): void {
    this.#met.set(account, groups)
  }

  /** Every account of the same human, as far as anything that the broker has met tells it. */
  #all(start: number): ReadonlySet<number> {
    const found = new Set([start])
    for (const one of found) {
      for (const other of this.#accounts.keys()) if (this.#linked(one, other)) found.add(other)
    }
    return found
  }

  #linked(one: number, other: number): boolean {
    const [a, b] = [this.#accounts[one]!, this.#accounts[other]!]
    if (a.machine && a.person === b.subject) return true
    if (b.machine && b.person === a.subject) return true
    if (!a.machine && !b.machine && a.person !== null && a.person === b.person) return true
    if (!this.#met.has(one) || !this.#met.has(other)) return false
    return (a.email !== null && a.email === b.email) || (a.claim !== null && a.claim === b.claim)
  }

  same(one: number, other: number): boolean {
    return this.#all(one).has(other)
  }

  mayAsk(rule: Rule, { account }: Token): boolean {
    return !rule.authors.some((author) => this.same(account, author))
  }

  mayApprove(asked: Asked, token: Token, now: number): boolean {
    if (!this.#mayDecide(asked, token, now)) return false
    const made: Made = { account: token.account, verdict: 'approve', groups: token.groups }
    const { ways } = asked.rule
    const before = asked.decisions.map((one) => one.groups)
    const after = [...before, token.groups]
    if (!ways.some((needs) => seated(needs, after) > seated(needs, before))) return false
    const full = ways.some((needs) => isFull(needs, after))
    return !full || this.#allDifferent(asked, [...asked.decisions, made])
  }

  mayReject(asked: Asked, token: Token, now: number): boolean {
    return this.#mayDecide(asked, token, now)
  }

  isFull({ rule, decisions }: Asked): boolean {
    return rule.ways.some((needs) =>
      isFull(
        needs,
        decisions.map((one) => one.groups),
      ),
    )
  }

  mayExecute(asked: Asked, { account, issuedAt }: Token, now: number): boolean {
    if (now - issuedAt > MINUTE || asked.state !== 'approved' || now >= asked.until) return false
    return this.#actsAs(asked.by, account) && this.#allDifferent(asked, asked.decisions)
  }

  mayCancel(asked: Asked, { account }: Token, now: number): boolean {
    if (!/pending|approved/.test(asked.state) || now >= asked.until) return false
    const isMachine = this.#accounts[account]!.machine
    return isMachine ? account === asked.by : this.same(account, asked.by)
  }

  #actsAs(requester: number, account: number): boolean {
    const either = this.#accounts[requester]!.machine || this.#accounts[account]!.machine
    return either ? requester === account : this.same(requester, account)
  }

  #mayDecide(asked: Asked, token: Token, now: number): boolean {
    const { account, groups, roles, issuedAt } = token
    const { rule, by, decisions, state, until } = asked
    if (state !== 'pending' || now >= until || now - issuedAt > MINUTE) return false
    if (this.#accounts[account]!.machine || !roles.includes('approver')) return false
    if (this.same(account, by)) return false
    if (rule.authors.some((author) => this.same(account, author))) return false
    if (decisions.some((made) => this.same(account, made.account))) return false
    if (!rule.ways.flat().some((need) => groups.includes(need.group))) return false
    return !this.#isSeparated(asked, token)
  }

  #isSeparated({ rule, by, groups: theirs }: Asked, { account, groups }: Token): boolean {
    const mine = [...groups, ...this.#groupsOf(account)]
    return rule.separate.some(({ groups: apart, mayNot }) => {
      if (apart.filter((group) => mine.includes(group)).length < 2) return false
      if (mayNot === 'approve') return true
      return [...theirs, ...this.#groupsOf(by)].some((group) => apart.includes(group))
    })
  }

  #groupsOf(account: number): readonly string[] {
    return [...this.#all(account)].flatMap((one) => this.#met.get(one) ?? [])
  }

  #allDifferent({ by, rule }: Asked, decisions: readonly Made[]): boolean {
    const deciders = decisions.map((made) => made.account)
    const first = [by, ...deciders]
    return first.every((one, i) =>
      [...first.slice(i + 1), ...rule.authors].every((other) => !this.same(one, other)),
    )
  }
}

/** The most seats that these people can fill, by trying all of it. */
function seated(needs: readonly Need[], people: readonly (readonly string[])[]): number {
  const chairs = needs.flatMap(({ group, count }) => Array.from({ length: count }, () => group))
  const most = (free: readonly string[], left: readonly (readonly string[])[]): number => {
    const [one, ...rest] = left
    if (one === undefined || free.length === 0) return 0
    const sitting = free.flatMap((group, i) =>
      one.includes(group) ? [1 + most(free.toSpliced(i, 1), rest)] : [],
    )
    return Math.max(most(free, rest), ...sitting)
  }
  return most(chairs, people)
}

function isFull(needs: readonly Need[], people: readonly (readonly string[])[]): boolean {
  return seated(needs, people) === needs.reduce((sum, need) => sum + need.count, 0)
}

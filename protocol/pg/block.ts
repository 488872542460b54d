/**
 * The client's explicit transaction block, as the target has it. In it the guard is a savepoint
 * under which the transaction is read-only; it is always the innermost one, so that what is not
 * approved cannot write, and releasing it for an approved unit loses nothing.
 */
export class Block {
  /** The client opened it READ ONLY, or said so before any savepoint: no guard is needed. */
  openedReadOnly = false
  /** The client said SET TRANSACTION READ ONLY later; ROLLBACK TO may undo that, so the guard stays. */
  declaredReadOnly = false
  guarded = false
  private savepoints: { readonly client: string; readonly broker: string }[] = []
  private count = 0

  get readOnly(): boolean {
    return this.openedReadOnly || this.declaredReadOnly
  }

  /** Nothing stands on the transaction: no guard, and no savepoint of the client. */
  get isBare(): boolean {
    return !this.guarded && this.savepoints.length === 0
  }

  begin(readOnly: boolean): void {
    this.end()
    this.openedReadOnly = readOnly
  }

  end(): void {
    this.openedReadOnly = false
    this.declaredReadOnly = false
    this.guarded = false
    this.savepoints = []
  }

  /** The broker's name for the innermost savepoint that the client calls so. */
  find(client: string): string | null {
    return this.savepoints.findLast((each) => each.client === client)?.broker ?? null
  }

  /** A new name; it is on the stack once {@link Block.push} says so. */
  name(): string {
    return `hoop_c${++this.count}`
  }

  push(client: string, broker: string): void {
    this.savepoints.push({ client, broker })
  }

  /** After ROLLBACK TO the savepoint stays, after RELEASE it goes too. */
  cutTo(broker: string, keep: boolean): void {
    const at = this.savepoints.findLastIndex((each) => each.broker === broker)
    this.savepoints.length = keep ? at + 1 : at
    this.guarded = false
  }
}

export const GUARD = 'SAVEPOINT hoop_guard; SET TRANSACTION READ ONLY'
export const RELEASE_GUARD = 'RELEASE SAVEPOINT hoop_guard'

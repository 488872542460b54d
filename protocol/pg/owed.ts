/** First in, first out, without moving what is in it. */
export class Owed<T> {
  private items: T[] = []
  private at = 0

  get first(): T | undefined {
    return this.items[this.at]
  }

  push(item: T): void {
    this.items.push(item)
  }

  shift(): void {
    this.at++
    if (this.at < this.items.length) return
    this.items.length = 0
    this.at = 0
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = this.at; i < this.items.length; i++) yield this.items[i] as T
  }
}

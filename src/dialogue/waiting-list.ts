/**
 * Who waits to be told of the time, in the order in which the waiting began.
 *
 * A list through its members: nearly all of them wait once and are over before the time is told. A Set
 * would hash each, and be built anew for those that have left: a thirtieth of a replay.
 */

export interface Waiting<T> {
  /** Its neighbours. Only the list touches these. */
  before: T | null;
  behind: T | null;
  listed: boolean;
}

export class WaitingList<T extends Waiting<T>> {
  #first: T | null = null;
  #last: T | null = null;

  add(member: T): void {
    if (member.listed) return;
    member.listed = true;
    member.before = this.#last;
    if (this.#last === null) this.#first = member;
    else this.#last.behind = member;
    this.#last = member;
  }

  remove(member: T): void {
    if (!member.listed) return;
    const { before, behind } = member;
    if (before === null) this.#first = behind;
    else before.behind = behind;
    if (behind === null) this.#last = before;
    else behind.before = before;
    member.listed = false;
    member.before = null;
    member.behind = null;
  }

  /** Tells each; who answers false waits no more. */
  tell(goesOn: (member: T) => boolean): void {
    for (let member = this.#first; member !== null; ) {
      const stays = goesOn(member);
      const next: T | null = member.behind;
      if (!stays) this.remove(member);
      member = next;
    }
  }
}

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Waiting, WaitingList } from "../../src/dialogue/waiting-list.ts";

class Member implements Waiting<Member> {
  before: Member | null = null;
  behind: Member | null = null;
  listed = false;
  readonly name: number;

  constructor(name: number) {
    this.name = name;
  }
}

/** What a Set does is what is wanted: order of coming, each once, whoever leaves is not told. */
test("does what a Set does", () => {
  const member = fc.nat(7);
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("add" as const), member }),
      fc.record({ kind: fc.constant("remove" as const), member }),
      fc.record({ kind: fc.constant("tell" as const), stays: fc.func(fc.boolean()) }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (script) => {
      const members = Array.from({ length: 8 }, (_, name) => new Member(name));
      const list = new WaitingList<Member>();
      const set = new Set<Member>();
      for (const step of script) {
        if (step.kind === "add") {
          list.add(members[step.member]!);
          set.add(members[step.member]!);
        } else if (step.kind === "remove") {
          list.remove(members[step.member]!);
          set.delete(members[step.member]!);
        } else {
          const told: number[] = [];
          list.tell((each) => {
            told.push(each.name);
            return step.stays(each.name);
          });
          expect(told).toEqual([...set].map(({ name }) => name));
          for (const each of set) if (!step.stays(each.name)) set.delete(each);
        }
      }
      const left: number[] = [];
      list.tell((each) => left.push(each.name) > 0);
      expect(left).toEqual([...set].map(({ name }) => name));
    }),
  );
});

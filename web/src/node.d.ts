// What the unit tests use of Node.
declare module "node:test" {
  export function test(name: string, run: () => void | Promise<void>): void;
}

declare module "node:assert/strict" {
  const assert: {
    deepEqual(found: unknown, expected: unknown): void;
    equal(found: unknown, expected: unknown): void;
    ok(found: unknown): void;
  };
  export default assert;
}

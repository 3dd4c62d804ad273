// What AssemblyScript's compiler and allocator have for a garbage collector: the SDK's own needs it.
declare function __alloc(size: usize): usize;
declare function __free(pointer: usize): void;
declare function __visit_globals(cookie: u32): void;
declare function __visit_members(pointer: usize, cookie: u32): void;

export function tryAllocate(size: usize): usize { return heap.alloc(size); }
export function release(ptr: usize): void { heap.free(ptr); }

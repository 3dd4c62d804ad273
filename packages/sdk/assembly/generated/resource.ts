// Generated from resource.proto by `npm run generate`: do not edit.

import { Attributes, attributesOf } from "../data/attributes";
import { Slice, sliceOf } from "../data/slice";
import { getVarint, setVarint } from "../wire/fields";
import { Message } from "../wire/message";
import { EntityRef } from "./common";

/** Resource information. */
@unmanaged
export class Resource extends Message {
  /** Set of attributes that describe the resource. */
  get attributes(): Attributes {
    return attributesOf(this, 1);
  }

  /** The number of dropped attributes. */
  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 2);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 2, 0x4, value, true);
  }

  /** Set of entities that participate in this Resource. */
  get entityRefs(): Slice<EntityRef> {
    return sliceOf<Slice<EntityRef>>(this, 3);
  }
}

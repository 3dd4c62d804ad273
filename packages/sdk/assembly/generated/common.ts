// Generated from common.proto by `npm run generate`: do not edit.

import { Attributes, attributesOf } from "../data/attributes";
import { Utf8, newUtf8 } from "../data/bytes";
import { TextList, listOf } from "../data/lists";
import { Slice } from "../data/slice";
import { encodeText, textEnd } from "../data/text";
import { copyMessage } from "../wire/copy";
import { getLength, getVarint, setLength, setVarint, valueEnd } from "../wire/fields";
import { Message, moveMessage, removeMessage } from "../wire/message";

/** InstrumentationScope is a message representing the instrumentation scope information such as the fully qualified name and version. */
@unmanaged
export class InstrumentationScope extends Message {
  /** A name denoting the Instrumentation scope. */
  get name(): string {
    return this.nameUtf8.toString();
  }

  set name(value: string) {
    const start = encodeText(value);
    setLength(this, 1, 0x2, start, textEnd - start, true);
  }

  get nameUtf8(): Utf8 {
    const start = getLength(this, 1);
    return newUtf8(start, valueEnd);
  }

  set nameUtf8(value: Utf8) {
    setLength(this, 1, 0x2, value.start, value.end - value.start, true);
  }

  /** Defines the version of the instrumentation scope. */
  get version(): string {
    return this.versionUtf8.toString();
  }

  set version(value: string) {
    const start = encodeText(value);
    setLength(this, 2, 0x4, start, textEnd - start, true);
  }

  get versionUtf8(): Utf8 {
    const start = getLength(this, 2);
    return newUtf8(start, valueEnd);
  }

  set versionUtf8(value: Utf8) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

  /** Additional attributes that describe the scope. */
  get attributes(): Attributes {
    return attributesOf(this, 3);
  }

  /** The number of attributes that were discarded. */
  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 4);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 4, 0x10, value, true);
  }
}

/** A reference to an Entity. */
@unmanaged
export class EntityRef extends Message {
  /** The Schema URL, if known. */
  get schemaUrl(): string {
    return this.schemaUrlUtf8.toString();
  }

  set schemaUrl(value: string) {
    const start = encodeText(value);
    setLength(this, 1, 0x2, start, textEnd - start, true);
  }

  get schemaUrlUtf8(): Utf8 {
    const start = getLength(this, 1);
    return newUtf8(start, valueEnd);
  }

  set schemaUrlUtf8(value: Utf8) {
    setLength(this, 1, 0x2, value.start, value.end - value.start, true);
  }

  /** Defines the type of the entity. */
  get type(): string {
    return this.typeUtf8.toString();
  }

  set type(value: string) {
    const start = encodeText(value);
    setLength(this, 2, 0x4, start, textEnd - start, true);
  }

  get typeUtf8(): Utf8 {
    const start = getLength(this, 2);
    return newUtf8(start, valueEnd);
  }

  set typeUtf8(value: Utf8) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

  /** Attribute Keys that identify the entity. */
  get idKeys(): TextList {
    return listOf<TextList>(this, 3);
  }

  /** Descriptive (non-identifying) attribute keys of the entity. */
  get descriptionKeys(): TextList {
    return listOf<TextList>(this, 4);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<EntityRef>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<EntityRef>): EntityRef {
    return changetype<EntityRef>(copyMessage(this, to.owner, to.field));
  }
}

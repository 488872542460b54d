/** The WebAssembly module under libpg-query's own wrapper: bytes in, JSON out, no strings between. */
declare module 'libpg-query/wasm/libpg-query.js' {
  export interface PgQueryModule {
    readonly HEAPU8: Uint8Array
    _malloc(bytes: number): number
    _free(pointer: number): void
    _wasm_parse_query_raw(text: number): number
    _wasm_free_parse_result(result: number): void
    getValue(pointer: number, type: 'i32'): number
    UTF8ToString(pointer: number): string
  }
  export default function create(): Promise<PgQueryModule>
}

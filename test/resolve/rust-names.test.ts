// SPDX-License-Identifier: MIT
// What rustfilt says of the same names: functions of the standard library, of rustc and of a program with every kind of
// generic argument. All 40,475 names of those three were compared so once.
import { describe, expect, test } from 'vitest';
import { demangleRust } from '../../ts/resolve/rust-names.js';

const LEGACY: Record<string, string> = {
  '_ZN102_$LT$core..iter..adapters..map..Map$LT$I$C$F$GT$$u20$as$u20$core..iter..traits..iterator..Iterator$GT$4fold17hbc7205e825ef3508E':
    '<core::iter::adapters::map::Map<I,F> as core::iter::traits::iterator::Iterator>::fold',
  _ZN1a13gr$uf6$$udf$e17Ring$LT$_$C$T$GT$4fold28_$u7b$$u7b$closure$u7d$$u7d$17h135c9c676b1282a2E:
    'a::größe::Ring<_,T>::fold::{{closure}}',
  '_ZN3std2rt10lang_start17h135c9c676b1282a2E.llvm.9438312304124812': 'std::rt::lang_start',
  '_ZN3std2rt10lang_start17h135c9c676b1282a2E.cold': 'std::rt::lang_start.cold',
};

const V0: Record<string, string> = {
  _RNvCsfLfy6EI15iL_7___rustc10rust_panic: '__rustc::rust_panic',
  _RINvMNtCs6xxl1lAjzDf_1au9gre_6ka8iINtB3_4RingKj3_yE4foldNCNvB5_4mains_0EB5_:
    '<a::größe::Ring<3, u64>>::fold::<a::main::{closure#1}>',
  _RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y:
    'utf8_idents::საჭმელად_გემრიელი_სადილი',
  _RINvMNtNtCsgEmfK2I1SDS_4core3fmt2rtNtB3_8Argument9new_debugINtNtCslNYArtu3iFV_5alloc5boxed3BoxDNtB5_5DebugNtNtB7_6marker4SendEL_EECs6xxl1lAjzDf_1a:
    '<core::fmt::rt::Argument>::new_debug::<alloc::boxed::Box<dyn core::fmt::Debug + core::marker::Send>>',
  _RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_ECs1iopQbuBiw2_3std:
    'alloc::alloc::box_free::<dyn alloc::boxed::FnBox<(), Output = ()>>',
  _RNSNvYNCINvMs0_NtNtCsjrHSEGnQ3l9_3std4sync4onceNtBd_4Once9call_onceNCNvNtBh_2rt7cleanup0E0INtNtNtCsgEmfK2I1SDS_4core3ops8function6FnOnceTRNtBd_9OnceStateEE9call_once6vtableBh_:
    '<<std::sync::once::Once>::call_once<std::rt::cleanup::{closure#0}>::{closure#0} as core::ops::function::FnOnce<(&std::sync::once::OnceState,)>>::call_once::{shim:vtable#0}',
  _RNvMs_Cs6xxl1lAjzDf_1aINtB4_1KKb1_Kce4_Kan5_E3runB4_: "<a::K<true, 'ä', -5>>::run",
  _RNvMs3_NtCslNYArtu3iFV_5alloc7raw_vecINtB5_6RawVecTOhFUKCBN_EuENtNtCsjrHSEGnQ3l9_3std5alloc6SystemE8grow_oneB13_:
    '<alloc::raw_vec::RawVec<(*mut u8, unsafe extern "C" fn(*mut u8)), std::alloc::System>>::grow_one',
  _RNvXs0_CsgY6Mt91CT9J_14rustc_demangleINtB5_21SizeLimitedFmtAdapterQNtNtCsgEmfK2I1SDS_4core3fmt9FormatterENtB15_5Write9write_strB5_:
    '<rustc_demangle::SizeLimitedFmtAdapter<&mut core::fmt::Formatter> as core::fmt::Write>::write_str',
  _RNvNCNKNvNtNtNtCs2wjhYK9GGsd_16rustc_proc_macro6bridge6client5state12BRIDGE_STATE0s_023___RUST_STD_INTERNAL_VAL:
    'rustc_proc_macro::bridge::client::state::BRIDGE_STATE::{K#0}::{closure#1}::__RUST_STD_INTERNAL_VAL',
  _RINvMNtCsgEmfK2I1SDS_4core3stre18trim_start_matchesReECsgY6Mt91CT9J_14rustc_demangle:
    '<str>::trim_start_matches::<&str>',
};

describe('names of Rust functions', () => {
  test.each(Object.entries({ ...LEGACY, ...V0 }))('%s', (mangled, readable) => {
    expect(demangleRust(mangled)).toBe(readable);
  });

  test.each([
    ['Ajj7b_', '[usize; 123]'],
    ['Sh', '[u8]'],
    ['Th', null],
    ['ThE', '(u8,)'],
    ['FG_RL0_hEu', "for<'a> fn(&'a u8)"],
    ['RL0_h', null],
    ['DNtC5krate5Traitp1NKj0_EL_', 'dyn krate::Trait<N = 0>'],
    ['Kb0_', 'false'],
    ['KRe616263_', '"abc"'],
    ['KVNtC1a1BU', '{a::B}'],
    ['Kq1_', null],
    ['B_', null],
  ])('with the argument %s', (argument, readable) => {
    const expected = readable === null ? null : `a::f::<${readable}>`;
    expect(demangleRust(`_RINvC1a1f${argument}E`)).toBe(expected);
  });

  test('are told from others', () => {
    for (const name of [
      'malloc',
      '_ZN1a1bEv',
      '_ZN1a1b17h0000000000000000E',
      '_ZN1a9b17h135c9c676b1282a2E',
      '_R',
      '_RNvC1a',
      '_RNvC1a1bx!',
      `_R${'N'.repeat(1000)}`,
      `_RINvC1a1f${'R'.repeat(100_000)}hE`,
    ]) {
      expect(demangleRust(name), name.slice(0, 40)).toBeNull();
    }
  });

  test('that name a part twice in each of its parts end', () => {
    // Each tuple holds the one before twice, by its position after `_R`: 2^60 letters if it were written out.
    const base62 = (n: number) => (n === 0 ? '_' : `${(n - 1).toString(36)}_`);
    let name = 'INvC1a1f';
    let last = name.length;
    name += 'ThhE';
    for (let i = 0; i < 6; i++) {
      const at = name.length;
      name += `T${`B${base62(last)}`.repeat(16)}E`;
      last = at;
      if (at > 36) break;
    }
    expect(demangleRust(`_R${name}E`)).toMatch(/^a::f::<\(u8, u8\), \(/);
    const nested = `INvC1a1f${'T'.repeat(30)}B9_${'B9_E'.repeat(30)}E`;
    expect(demangleRust(`_R${nested}`)).toBeNull();
  });
});

{
  'targets': [
    {
      'target_name': 'matcher',
      'sources': ['addon.cc', 'matcher.cc'],
      # -g: reports name lines, and the functions that the compiler put into others.
      'cflags_cc': ['-std=c++20', '-Wall', '-Wextra', '-Werror', '-g'],
      'defines': ['NAPI_VERSION=9'],
    },
  ],
}

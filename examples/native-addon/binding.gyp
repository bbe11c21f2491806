{
  'targets': [
    {
      'target_name': 'matcher',
      'sources': ['addon.cc', 'matcher.cc'],
      'cflags_cc': ['-std=c++20', '-Wall', '-Wextra', '-Werror'],
      'defines': ['NAPI_VERSION=9'],
    },
  ],
}

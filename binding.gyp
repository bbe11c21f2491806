# What ships: two shared objects from one list of sources, cpp/sources.txt, which CMakeLists.txt reads too.
{
  'target_defaults': {
    'include_dirs': ['cpp'],
    'cflags!': ['-O3'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-std=gnu++2a', '-fexceptions', '-frtti'],
    'cflags': [
      '-O2', '-g', '-Wall', '-Wextra', '-Werror',
      '-fno-omit-frame-pointer', '-fno-plt', '-fvisibility=hidden',
    ],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-fvisibility-inlines-hidden'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
    },
  },
  'targets': [
    {
      # The preload library. It loads into any process, so it needs libc and nothing else:
      # -nodefaultlibs keeps libstdc++ out (-nostdlib++ would say it better, but needs gcc 13).
      'target_name': 'memtape_core',
      'product_name': 'libmemtape',
      'product_prefix': '',
      'type': 'loadable_module',
      'sources': ['<!@(node scripts/sources.mjs core preload)'],
      # Hooks define both mmap and mmap64; this macro would rename the first to the second.
      'defines!': ['_FILE_OFFSET_BITS=64', '_LARGEFILE_SOURCE'],
      'cflags_cc': ['-fno-threadsafe-statics'],
      'target_conditions': [
        ['OS=="mac"', {'product_extension': 'dylib'}, {'product_extension': 'so'}],
      ],
      'conditions': [
        ['OS=="linux"', {
          'ldflags': [
            '-nodefaultlibs', '-Wl,-z,nodelete', '-Wl,-z,defs', '-Wl,-z,now', '-Wl,-z,relro',
            '-Wl,--as-needed', '-Wl,--build-id', '-Wl,-soname,libmemtape.so',
          ],
          'libraries': ['-ldl', '-lpthread', '-lc', '-lgcc'],
        }],
      ],
    },
    {
      'target_name': 'memtape',
      'type': 'loadable_module',
      'sources': ['<!@(node scripts/sources.mjs addon)'],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': ['NAPI_VERSION=9', 'NAPI_DISABLE_CPP_EXCEPTIONS'],
      'dependencies': ['memtape_core'],
      'conditions': [
        ['OS=="linux"', {'ldflags': ['-Wl,-z,nodelete', '-Wl,--build-id']}],
      ],
    },
  ],
}

# The fallback where CMake is missing. Settings of Node-API stand in native/src/napi/setup.h, not
# here, so that every way to build has the same ones.
{
  'target_defaults': {
    'include_dirs': ['native/src'],
    # Node compiles itself without exceptions and with its own dialect.
    'cflags!': ['-fno-exceptions', '-O3'],
    'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
    'cflags_cc': [
      '-std=c++20', '-O2', '-DNDEBUG',
      '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror',
      '-fvisibility=hidden', '-fvisibility-inlines-hidden'
    ],
    'ldflags': ['-pthread', '-Wl,-z,relro,-z,now'],
    'libraries': ['-ldl']
  },
  'targets': [
    {
      'target_name': 'mlos',
      'sources': ['<!@(grep -v /capi/ native/sources.txt)'],
      'cflags_cc': [
        # -isystem: the warnings above are for our code.
        '-isystem', '<!(node -p "path.resolve(require(\'node-addon-api\').include_dir)")',
        '-isystem', '<!(node -p "require(\'node-api-headers\').include_dir")'
      ]
    },
    {
      # libmlos.so. To node-gyp every target is a module that ends in .node; scripts/native/ways.mjs
      # gives it its name.
      'target_name': 'mlos_c',
      'sources': ['<!@(grep -E "/src/(base|shm|capi)/" native/sources.txt)'],
      'ldflags': ['-Wl,--version-script=<(module_root_dir)/native/src/capi/libmlos.map'],
      # Here because these come last: gyp gives a soname of its own before them.
      'libraries': ['-Wl,-soname,libmlos.so.0']
    }
  ]
}

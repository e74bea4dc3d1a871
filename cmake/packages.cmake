# What is installed, and the packages of Debian that tools/package makes of it: `augstore`, which serves, streams and
# administers, `augstore-torch`, which runs Φ and trains, and `augstore-dev`, the C++ client (client_package.cmake).
install(TARGETS augstore RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
install(TARGETS augstore-torch RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT torch)
# Made by tools/package, as the program itself prints them.
set(made ${PROJECT_BINARY_DIR}/package)
install(FILES ${made}/augstore.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT server OPTIONAL)
install(FILES ${made}/augstore DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT server OPTIONAL)
install(FILES ${made}/_augstore DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT server OPTIONAL)
install(FILES ${made}/augstore.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT server OPTIONAL)
set(deploy ${PROJECT_SOURCE_DIR}/deploy)
install(DIRECTORY ${deploy}/prometheus ${deploy}/grafana DESTINATION ${CMAKE_INSTALL_DATADIR}/augstore COMPONENT server)
if(AUGSTORE_DEBIAN)
  install(FILES ${deploy}/systemd/augstore.service DESTINATION lib/systemd/system COMPONENT server)
  install(FILES ${deploy}/debian/augstore.toml DESTINATION /etc/augstore COMPONENT server)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the developers of augstore")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL server torch development)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_SERVER_PACKAGE_NAME augstore)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
    ${deploy}/debian/postinst ${deploy}/debian/prerm ${deploy}/debian/postrm ${deploy}/debian/conffiles)
set(CPACK_COMPONENT_SERVER_DESCRIPTION "a store of embeddings, with augmented embeddings made on read: server and client
 Keeps one embedding per image in RocksDB and streams shuffled, augmented batches to clients that train heads.")
set(CPACK_DEBIAN_TORCH_PACKAGE_NAME augstore-torch)
set(CPACK_DEBIAN_TORCH_PACKAGE_DEPENDS "augstore (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_TORCH_DESCRIPTION "augstore with LibTorch: embeds images, trains transforms and heads
 The commands of augstore that need LibTorch or image decoders.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME augstore-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libfmt-dev, libssl-dev, libflatbuffers-dev, libxxhash-dev, libdeflate-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "the C++ client of augstore: headers and static libraries
 For find_package(augstore) in CMake projects that read streams of a server.")
include(CPack)

<?php
// SimpleSAMLphp's settings for one test run. What differs from run to run is in run.json,
// written by tests/e2e/simplesaml.py next to this file.
$run = json_decode(file_get_contents(__DIR__ . '/run.json'), true, 512, JSON_THROW_ON_ERROR);

$config = [
    'baseurlpath' => $run['url'],
    'certdir' => __DIR__ . '/cert/',
    'loggingdir' => __DIR__ . '/log/',
    'datadir' => __DIR__ . '/data/',
    'tempdir' => __DIR__ . '/tmp',
    'metadatadir' => __DIR__ . '/metadata/',

    'technicalcontact_name' => 'Tests',
    'technicalcontact_email' => 'tests@example.com',
    'timezone' => 'UTC',
    'language.default' => 'en',

    'secretsalt' => $run['secret_salt'],
    'auth.adminpassword' => $run['admin_password'],
    'admin.checkforupdates' => false,

    'showerrors' => true,
    // 1.19 on PHP 8.2 raises deprecation notices on every page.
    'errorreporting' => false,
    'logging.level' => SimpleSAML\Logger::INFO,
    'logging.handler' => 'file',
    'logging.logfile' => 'simplesamlphp.log',

    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true],

    'store.type' => 'phpsession',
    'session.phpsession.savepath' => __DIR__ . '/sessions',
    // The pages are served over plain HTTP, on this machine alone.
    'session.cookie.secure' => false,

    // The service providers trusted are metadata files, read by SimpleSAMLphp's own parser.
    'metadata.sources' => array_merge(
        [['type' => 'flatfile']],
        array_map(
            function ($file) { return ['type' => 'xml', 'file' => $file]; },
            glob(__DIR__ . '/trusted/*.xml')
        )
    ),
];

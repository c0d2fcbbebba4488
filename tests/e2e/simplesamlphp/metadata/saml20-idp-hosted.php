<?php
// The identity provider itself. Its key and certificate are made anew for each run. Options that
// a test changes while it runs are in hosted.json.
$changed = json_decode(file_get_contents(dirname(__DIR__) . '/hosted.json'), true, 512, JSON_THROW_ON_ERROR);

$metadata['__DYNAMIC:1__'] = $changed + [
    'host' => '__DEFAULT__',
    'auth' => 'people',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'saml20.sign.response' => true,
    'saml20.sign.assertion' => true,
    // A request without a valid signature is refused.
    'validate.authnrequest' => true,
    // So is a logout message; its own are signed.
    'validate.logout' => true,
    'sign.logout' => true,
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    'authproc' => [
        10 => [
            'class' => 'saml:AttributeNameID',
            'attribute' => 'mail',
            'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
        ],
    ],
];

<?php
// The people who can sign in, from run.json: "name:password" => attributes.
$run = json_decode(file_get_contents(__DIR__ . '/run.json'), true, 512, JSON_THROW_ON_ERROR);

$config = [
    'people' => array_merge(['exampleauth:UserPass'], $run['people']),
];

<?php
/**
 * The site's settings come from the container's environment; each may also stand in a file that
 * WORDPRESS_…_FILE names. Keys and salts that nobody sets, WordPress makes and keeps in the
 * database, so that every replica of the site shares them.
 */
function container_setting(string $name, string $default): string
{
    $file = getenv("WORDPRESS_{$name}_FILE");
    if ($file !== false && $file !== '') {
        return rtrim(file_get_contents($file), "\r\n");
    }
    $value = getenv("WORDPRESS_{$name}");
    return $value === false ? $default : $value;
}

define('DB_HOST', container_setting('DB_HOST', 'mysql'));
define('DB_USER', container_setting('DB_USER', 'wordpress'));
define('DB_PASSWORD', container_setting('DB_PASSWORD', ''));
define('DB_NAME', container_setting('DB_NAME', 'wordpress'));
define('DB_CHARSET', container_setting('DB_CHARSET', 'utf8mb4'));
define('DB_COLLATE', container_setting('DB_COLLATE', ''));
$table_prefix = container_setting('TABLE_PREFIX', 'wp_');

foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $use) {
    foreach (["{$use}_KEY", "{$use}_SALT"] as $name) {
        if (container_setting($name, '') !== '') {
            define($name, container_setting($name, ''));
        }
    }
}

define('WP_DEBUG', container_setting('DEBUG', '') !== '');
define('AUTOMATIC_UPDATER_DISABLED', true); // a new version is a new image

// Behind a proxy that ends TLS, links must not fall back to http.
if (($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https') {
    $_SERVER['HTTPS'] = 'on';
}

eval(container_setting('CONFIG_EXTRA', ''));

// The bed has no way out, and a page that waits for one is slow.
defined('WP_HTTP_BLOCK_EXTERNAL') || define('WP_HTTP_BLOCK_EXTERNAL', true);
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
